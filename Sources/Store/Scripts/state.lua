-- Takes in what a holder states of counters of one partition, and grants what it needs.
-- README.md beside this folder says what the keys, fields, arguments and numbers of the answer are.
--
-- Everything is read, computed and checked before the first write: a script that fails has written
-- nothing. Numbers are written by %.0f or as arguments, never by .., which keeps 14 digits.

local statements, keys = {}, {}
for i = 3, #KEYS do
  if keys[KEYS[i]] then refuse('a counter twice') end
  keys[KEYS[i]] = true
  statements[i - 2] = statement(KEYS[i])
end
if position ~= #ARGV then refuse('too many arguments') end

local isRefused = false
for _, s in ipairs(statements) do
  s.outcome, s.value = take(s)
  if s.outcome == 'taken' then judge(s) end
  if s.need > 0 and not s.grant then isRefused = true end
end
for _, s in ipairs(statements) do
  if s.grant then give(s, isRefused) end
end

-- From here on it is written.

if isOpen and not wasOpen then
  redis.call('HSET', KEYS[1], 'run', run, 'history', history, 'opening', openingID, 'renewed', now)
  redis.call('PEXPIRE', KEYS[1], LONGEST)
  redis.call('UNLINK', KEYS[2])
elseif not isOpen then
  if isNewOpening then redis.call('UNLINK', KEYS[2]) end
  local fields = { 'run', run, 'history', history }
  for _, name in ipairs({ 'since', 'informed', 'claimed', 'expected', 'missing' }) do
    fields[#fields + 1] = name
    fields[#fields + 1] = opening[name]
  end
  for id, word in pairs(openingChanges) do
    fields[#fields + 1] = id
    fields[#fields + 1] = word
  end
  redis.call('HSET', KEYS[2], unpack(fields))
  redis.call('PEXPIRE', KEYS[2], lease + KEEP)
elseif now - whole(marker[3], 0, MAX) >= DAY then
  redis.call('HSET', KEYS[1], 'renewed', now)
  redis.call('PEXPIRE', KEYS[1], LONGEST)
end

local function write(s)
  local counter = s.counter
  if s.isAnew then redis.call('UNLINK', s.key) end
  local fields = { ledger, pack(s.kind, s.share), 'kind', s.kind }
  for _, name in ipairs(FIELDS[s.kind]) do
    fields[#fields + 1] = name
    fields[#fields + 1] = counter[name]
  end
  if counter.cursor ~= counter.cursorRead then
    fields[#fields + 1] = 'cursor'
    fields[#fields + 1] = counter.cursor
  end
  local removed = {}
  for id, text in pairs(s.changes) do
    if text then
      fields[#fields + 1] = id
      fields[#fields + 1] = text
    else
      removed[#removed + 1] = id
    end
  end
  redis.call('HSET', s.key, unpack(fields))
  if #removed > 0 then redis.call('HDEL', s.key, unpack(removed)) end
  local expiry = lease + KEEP
  if s.kind == 'budget' then
    expiry = counter['end'] - now + KEEP
  elseif s.kind == 'bucket' then
    expiry = lease + math.max(KEEP, milliseconds(counter.sum, counter))
  end
  redis.call('PEXPIRE', s.key, expiry)
end

local CODES = { granted = 0, short = 1, otherShort = 2, opening = 3, stale = 4, fenced = 5,
  otherWindow = 6 }
local answer = { 1, now, isOpen and 1 or 0, isClaimed, opening.claimed, opening.expected, openingID }
local function say(number) answer[#answer + 1] = number end

for _, s in ipairs(statements) do
  if s.share then write(s) end
  local counter = s.counter or { sum = 0, holders = 0, short = -SECOND }
  local own = s.share or s.before
  local settled = counter.settled or 0
  say(CODES[s.outcome])
  say(s.value or 0)
  say(counter.sum)
  say(settled)
  say(wasOpen and s.settledBefore or settled)
  say(own and own.settled or 0)
  say(counter.start or 0)
  say(counter['end'] or 0)
  say(counter.holders)
  say(isShort(counter) and 1 or 0)
end
return answer
