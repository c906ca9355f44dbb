"""Clock, due-heap scheduler, probe pool, workqueue and leader election."""
