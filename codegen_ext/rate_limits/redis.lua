-- One atomic try to send a request. Times are microseconds of this server's clock.
-- KEYS: life, peers, then the requests (sorted set) and the closure of each limit.
-- ARGV: process, member, known life ('' for none), then the number of requests and the window of each limit.
-- Returns the life of the data, the wait (0: the request is written down), the processes, and what the first limit holds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local life = redis.call('GET', KEYS[1])
if not life or string.match(life, '^(%x*):') ~= run then life = run .. ':' .. ARGV[2] end
redis.call('SET', KEYS[1], life, 'PX', 2592000000)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 60000000)
redis.call('PEXPIRE', KEYS[2], 60000)
local wait = (ARGV[3] == '' or ARGV[3] == life) and 0 or 1
for i = 3, wait == 0 and #KEYS or 0, 2 do
  local requests, window = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - window)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[i], now + 1, '+inf')) do
    redis.call('ZADD', KEYS[i], now, member) -- the clock was set back
  end
  local nth = redis.call('ZREVRANGE', KEYS[i], requests - 1, requests - 1, 'WITHSCORES')[2]
  wait = math.max(wait, nth and nth + window - now or 0, redis.call('PTTL', KEYS[i + 1]) * 1000)
end
for i = 3, wait == 0 and #KEYS or 0, 2 do
  redis.call('ZADD', KEYS[i], now, ARGV[2])
  redis.call('PEXPIRE', KEYS[i], math.ceil(ARGV[i + 2] / 1000))
end
return { life, wait, redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[3]) }
