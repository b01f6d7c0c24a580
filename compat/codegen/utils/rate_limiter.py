from codegen_ext import RateLimiter as RateLimiter
