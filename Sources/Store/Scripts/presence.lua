-- A replica states that it lives, and is told who else does: all under one key.
-- README.md beside this folder says what the fields, arguments and the answer are.

local KEPT = 40 * DAY  -- how long a replica's start number is remembered

local key = KEYS[1]
local ledger, nonce, revision, name = ARGV[1], ARGV[3], ARGV[6], ARGV[7]
if #KEYS ~= 1 or #ARGV ~= 7 then refuse('another number of arguments') end
if #ledger ~= 32 or not string.find(ledger, '^%x+$') then refuse('not a ledger') end
if #nonce ~= 8 or not string.find(nonce, '^%x+$') then refuse('not a nonce') end
if string.find(revision, '%s') or #revision == 0 or #revision > 64 or #name > 128 then
  refuse('a name or revision that is too long')
end
local start = whole(ARGV[2], 1, MAX)
local isStarting = whole(ARGV[4], 0, 1) == 1
local lease = whole(ARGV[5], 1, 3600000)
local stated = start

-- Everybody: at most REPLICAS, which is below what a call may take.

local since = now
local entries, count = {}, 0
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  if all[i] == 'since' then
    since = whole(all[i + 1], 0, MAX)
  else
    local a, b, c, d, e = string.match(all[i + 1], '^(%d+) (%x+) (%d+) (%S+) (.*)$')
    if not a then refuse('a replica is not as it was written') end
    entries[all[i]] = { start = tonumber(a), nonce = b, heard = tonumber(c), revision = d, name = e }
    count = count + 1
  end
end

local removed = {}
local own = entries[ledger]
if own and own.nonce == nonce then
  start = math.max(start, own.start)  -- renumbered, and the answer was lost
elseif own and own.start >= start then
  -- A process that starts takes the next number where the other is silent; one that has run before
  -- has been followed by it.
  if not isStarting or now - own.heard < lease then return { 1, 2, own.start, now, 0 } end
  start = own.start + 1
elseif not own and count >= REPLICAS then
  local oldest
  for id, entry in pairs(entries) do
    if not oldest or entry.heard < entries[oldest].heard
      or entry.heard == entries[oldest].heard and id < oldest
    then
      oldest = id
    end
  end
  if now - entries[oldest].heard < lease then refuse('too many replicas') end
  entries[oldest] = nil
  removed[1] = oldest
end
entries[ledger] = { start = start, nonce = nonce, heard = now, revision = revision, name = name }

local isRenumbered = start ~= stated
local answer = { 1, isRenumbered and 1 or 0, start, now, now - since >= lease and 1 or 0 }
for id, entry in pairs(entries) do
  local silent = now - entry.heard
  if silent >= KEPT then
    removed[#removed + 1] = id
  elseif silent < lease and not isRenumbered then
    for _, value in ipairs({ id, entry.start, entry.heard, entry.revision, entry.name }) do
      answer[#answer + 1] = value
    end
  end
end

redis.call('HSET', key, 'since', since, ledger,
  string.format('%.0f %s %.0f %s ', start, nonce, now, revision) .. name)
if #removed > 0 then redis.call('HDEL', key, unpack(removed)) end
redis.call('PEXPIRE', key, KEPT)
return answer
