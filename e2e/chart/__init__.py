"""What the tests of the chart on a real cluster act on: live policies, and a release."""
