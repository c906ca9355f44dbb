"""Whether everything that a policy needs is there: read, judged, and told with the remedy.

Reading (`reading`, `operators`, `asking`, `facts`) makes the requests. All other modules are pure:
each judges one group of facts.
"""
