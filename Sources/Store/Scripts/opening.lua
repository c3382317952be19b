-- What a call about counters says of its caller, and whether the partition is open.

local SECOND = 1000            -- how long a counter is marked short; how often it looks for the silent
local KEEP = 60000             -- how long what nobody states is kept, for late statements
local BUCKET_HOLDER = 3600000  -- how long a bucket remembers a silent holder
local LONGEST = 40 * DAY       -- the marker's expiry; the longest wait and expiry of a bucket
local REFILL = 2000000000      -- the most time that is refilled at once: times a period it is exact
local PERIOD = 3600000
local STATEMENTS = 100
local NAMED = 64                -- of those that live, how many a caller names

local position = 0
local function argument()
  position = position + 1
  return ARGV[position] or refuse('too few arguments')
end
local function count(most) return whole(argument(), 0, most or MAX) end
local function ledgerID()
  local id = argument()
  if #id ~= 32 or not string.find(id, '^%x+$') then refuse('not a ledger') end
  return id
end

local run = argument()
local ledger = ledgerID()
local start = whole(argument(), 1, MAX)
local nonce = argument()
if #nonce ~= 8 or not string.find(nonce, '^%x+$') then refuse('not a nonce') end
local lease = whole(argument(), 1, PERIOD)
local aliveCount = count(REPLICAS)
local isWhole = count(1) == 1
-- The opening in which the calls before have stated the rest; nothing where this call says all.
local wholeSince = argument()
if wholeSince ~= '' then wholeSince = whole(wholeSince, 0, MAX) end
local expected = {}
for i = 1, count(NAMED) do expected[i] = ledgerID() end
if #KEYS < 2 or #KEYS - 2 > STATEMENTS then refuse('too many counters') end

-- Whether the partition is open, and what is said of its opening.

-- A master that was another's replica meanwhile has the same run, but not what it wrote last before:
-- which history of writes it goes on with tells. The server says it here and not the caller, whose
-- connection may be older.
local history = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)') or ''

local marker = redis.call('HMGET', KEYS[1], 'run', 'opening', 'renewed', 'history')
local opening = { since = now, informed = 0, claimed = 0, expected = 0, missing = 0 }
local openingChanges = {}  -- what the opening's hash gets for each ledger
local isNewOpening = false
local wasOpen = marker[1] == run and marker[4] == history
local isOpen = wasOpen
local isClaimed = 0
local openingID

-- Counts a ledger as one that has stated all, or is to.
local function expect(id, before, hasClaimed)
  before = openingChanges[id] or before
  if before == 'claimed' or before and not hasClaimed then return end
  if not before then opening.expected = opening.expected + 1 end
  if hasClaimed then
    opening.claimed = opening.claimed + 1
    if before then opening.missing = opening.missing - 1 end
  else
    opening.missing = opening.missing + 1
  end
  openingChanges[id] = hasClaimed and 'claimed' or 'expected'
end

if wasOpen then
  openingID = whole(marker[2], 0, MAX)
else
  local names = { 'run', 'history', 'since', 'informed', 'claimed', 'expected', 'missing', ledger }
  for i = 1, #expected do names[8 + i] = expected[i] end
  local found = redis.call('HMGET', KEYS[2], unpack(names))
  isNewOpening = found[1] ~= run or found[2] ~= history
  if isNewOpening then
    found = {}  -- of another run or history: nothing of it counts
  else
    for i = 3, 7 do opening[names[i]] = whole(found[i], 0, MAX) end
    opening.since = math.min(opening.since, now)  -- a clock that was set back makes no longer wait
  end
  if isWhole and (wholeSince == '' or wholeSince == opening.since) then
    expect(ledger, found[8], true)
    for i = 1, #expected do expect(expected[i], found[8 + i], false) end
    if #expected > 0 then opening.informed = 1 end
  end
  if (openingChanges[ledger] or found[8]) == 'claimed' then isClaimed = 1 end
  isOpen = isClaimed == 1
    and (opening.informed == 1 and opening.missing == 0 or now - opening.since >= lease)
  openingID = opening.since
end

