-- A replica states that it lives, and is told what has changed of who lives since it was told last.
-- README.md beside this folder says what the fields, arguments and the answer are.
--
-- Nothing here looks through all replicas: whoever fell silent is found by the time it was heard last,
-- and what changed by the number of the change.

local KEPT = 40 * DAY    -- how long a replica's start number is remembered
local FORGOTTEN = 100    -- how many are forgotten in a call
local TOLD = 1000        -- how many replicas a call tells of
local TOLD_BY_ALL = 200000  -- and all calls of a second together, where each replica makes one

local list, heard, changed = KEYS[1], KEYS[2], KEYS[3]
local ledger, nonce, revision, name = ARGV[1], ARGV[3], ARGV[6], ARGV[7]
if #KEYS ~= 3 or #ARGV ~= 9 then refuse('another number of arguments') end
if #ledger ~= 32 or not string.find(ledger, '^%x+$') then refuse('not a ledger') end
if #nonce ~= 8 or not string.find(nonce, '^%x+$') then refuse('not a nonce') end
if string.find(revision, '%s') or #revision == 0 or #revision > 64 or #name > 128 then
  refuse('a name or revision that is too long')
end
local start = whole(ARGV[2], 1, MAX)
local isStarting = whole(ARGV[4], 0, 1) == 1
local lease = whole(ARGV[5], 1, 3600000)
local toldSince, toldVersion = whole(ARGV[8], 0, MAX), whole(ARGV[9], 0, MAX)
local stated = start

local function text(number) return string.format('%.0f', number) end

local function entry(value)
  local a, b, c, d, e = string.match(value, '^(%d+) (%x+) (%d+) (%S+) (.*)$')
  if not a then refuse('a replica is not as it was written') end
  return { start = whole(a, 1, MAX), nonce = b, since = whole(c, 0, MAX), revision = d, name = e }
end

local fields = redis.call('HMGET', list, 'since', 'version', 'floor', 'silent', ledger)
local isNew = not fields[1]
local since = isNew and now or whole(fields[1], 0, MAX)
local version = isNew and 0 or whole(fields[2], 0, MAX)
local floor = isNew and 0 or whole(fields[3], 0, MAX)
local silent = isNew and 0 or whole(fields[4], 0, MAX)

-- Who was heard last at `silent` or before does not live. A clock that was set back begins anew.
if silent > now then silent = 0 end
local silentBefore = silent
silent = math.max(silent, now - lease, 0)

local own = fields[5] and entry(fields[5])
local ownHeard = own and whole(redis.call('ZSCORE', heard, ledger) or 0, 0, MAX)
local removed = {}
if own and own.nonce == nonce then
  start = math.max(start, own.start)  -- renumbered, and the answer was lost
elseif own and own.start >= start then
  -- A process that starts takes the next number where the other is silent; one that has run before
  -- has been followed by it.
  if not isStarting or now - ownHeard < lease then return { 1, 2, own.start, now } end
  start = own.start + 1
elseif not own and not isNew and redis.call('HLEN', list) - 4 >= REPLICAS then
  local oldest = redis.call('ZRANGE', heard, 0, 0, 'WITHSCORES')
  if not oldest[1] or now - oldest[2] < lease then refuse('too many replicas') end
  removed[1] = oldest[1]
end
if not isNew and now >= KEPT then
  local old = redis.call('ZRANGEBYSCORE', heard, '-inf', text(now - KEPT), 'LIMIT', 0, FORGOTTEN)
  for _, id in ipairs(old) do
    if id ~= ledger and id ~= removed[1] then removed[#removed + 1] = id end
  end
end
-- Who was told less than this cannot be told that these are gone.
local isRemoved = { [ledger] = true }
for _, id in ipairs(removed) do
  isRemoved[id] = true
  if whole(redis.call('ZSCORE', heard, id) or 0, 0, MAX) > silentBefore then
    version = version + 1
    floor = version
  else
    floor = math.max(floor, whole(redis.call('ZSCORE', changed, id) or 0, 0, MAX))
  end
end
local gone = isNew and {}
  or redis.call('ZRANGEBYSCORE', heard, '(' .. text(silentBefore), text(silent))

-- From here on it is written.

if isNew then redis.call('UNLINK', heard, changed) end
for _, id in ipairs(removed) do
  redis.call('HDEL', list, id)
  redis.call('ZREM', heard, id)
  redis.call('ZREM', changed, id)
end
local function change(id)
  version = version + 1
  redis.call('ZADD', changed, text(version), id)
end
for _, id in ipairs(gone) do
  if not isRemoved[id] then change(id) end
end
local isBack = not own or ownHeard <= silent or own.start ~= start
local alive = isBack and now or own.since
if isBack or own.revision ~= revision or own.name ~= name then change(ledger) end
if isBack or own.revision ~= revision or own.name ~= name or own.nonce ~= nonce then
  redis.call('HSET', list, ledger,
    text(start) .. ' ' .. nonce .. ' ' .. text(alive) .. ' ' .. revision .. ' ' .. name)
end
redis.call('ZADD', heard, text(now), ledger)
redis.call('HSET', list, 'since', since, 'version', text(version), 'floor', text(floor),
  'silent', text(silent))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, KEPT) end

if start ~= stated then return { 1, 1, start, now } end

-- What has changed since the caller was told last; or all, where that is not known any more.
local isAnew = toldSince ~= since or toldVersion < floor or toldVersion > version
local from = isAnew and 0 or toldVersion
local count = redis.call('ZCOUNT', heard, '(' .. text(silent), '+inf')
local most = math.max(1, math.min(TOLD, math.floor(TOLD_BY_ALL / count)))
local found = redis.call('ZRANGEBYSCORE', changed, '(' .. text(from), '+inf', 'WITHSCORES',
  'LIMIT', 0, most)
local told = version
if #found >= 2 * most then told = whole(found[#found], 0, MAX) end
local answer = { 1, 0, start, now, now - since >= lease and 1 or 0, since, version, told,
  isAnew and 1 or 0, count }
local ids = {}
for i = 1, #found, 2 do ids[#ids + 1] = found[i] end
if #ids > 0 then
  local entries = redis.call('HMGET', list, unpack(ids))
  local times = redis.call('ZMSCORE', heard, unpack(ids))
  for i, id in ipairs(ids) do
    local one = { start = 0, since = 0, revision = '', name = '' }  -- gone
    if entries[i] and times[i] and whole(times[i], 0, MAX) > silent then one = entry(entries[i]) end
    for _, value in ipairs({ id, one.start, one.since, one.revision, one.name }) do
      answer[#answer + 1] = value
    end
  end
end
return answer
