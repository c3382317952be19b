#!lua
-- What begins each script. Numbers are doubles: whole and within MAX, where doubles are exact.

local MAX = 9007199254740991
local DAY = 86400000
local REPLICAS = 10000

local function refuse(why) error({ err = 'TOLLGATE ' .. why }) end

local function whole(text, least, most)
  local number = tonumber(text)
  if not number or number ~= math.floor(number) or number < least or number > most then
    refuse('a number is out of range')
  end
  return number + 0  -- without the sign of -0
end

-- The clock is read once: all of a call is at one moment.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

