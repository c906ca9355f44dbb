"""`kubectl resilience …`: where policies, levels and rollouts stand, and the levers on them."""
