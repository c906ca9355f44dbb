module resilience-operator/e2e/testserver

go 1.26.0
