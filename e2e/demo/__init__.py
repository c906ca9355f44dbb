"""What the demonstration deploys: a retail application and the servers it depends on."""
