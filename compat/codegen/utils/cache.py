from codegen_ext import CacheManager as CacheManager
