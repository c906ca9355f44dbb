"""Starts one of the demonstration's servers: postgres, redis, s3 or openai."""
