-- Counters: what is read, computed and checked of each statement. Nothing is written here.

local FIELDS = {
  budget = { 'sum', 'holders', 'short', 'settled', 'gone', 'start', 'end', 'opening', 'generation' },
  bucket = { 'sum', 'holders', 'short', 'swept', 'unspent', 'amount', 'period', 'time', 'rest' },
  slots = { 'sum', 'holders', 'short', 'swept' },
}

-- What the store keeps for a holder, as text: start number nonce hold unspent, then of a budget
-- settled and generation, else when it was heard.

local function pack(kind, share)
  if kind == 'budget' then
    return string.format('%.0f %.0f %s %.0f %.0f %.0f %.0f', share.start, share.number,
      share.nonce, share.hold, share.unspent, share.settled, share.generation)
  end
  return string.format('%.0f %.0f %s %.0f %.0f %.0f', share.start, share.number, share.nonce,
    share.hold, share.unspent, share.heard)
end

local function unpackShare(kind, text)
  local a, b, c, d, e, f, g = string.match(text, '^(%d+) (%d+) (%x+) (-?%d+) (%d+) (%d+) ?(%d*)$')
  if not a or (kind == 'budget') ~= (g ~= '') then refuse('a holder is not as it was written') end
  local share = { start = tonumber(a), number = tonumber(b), nonce = c, hold = tonumber(d),
    unspent = tonumber(e) }
  if kind == 'budget' then
    share.settled, share.generation = tonumber(f), tonumber(g)
  else
    share.heard = tonumber(f)
  end
  return share
end

-- Reads what a call says of a counter.
local function statement(key)
  local kind = argument()
  if not FIELDS[kind] then refuse('no kind of counter') end
  local s = { key = key, kind = kind, amount = whole(argument(), 1, MAX) }
  if kind == 'budget' then
    s.first, s.last, s.settled = count(), count(), count()
    if s.first >= s.last then refuse('a window without length') end
  elseif kind == 'bucket' then
    s.capacity, s.period = whole(argument(), 1, MAX), whole(argument(), 1, PERIOD)
  end
  s.number, s.hold, s.unspent = whole(argument(), 1, MAX), whole(argument(), -MAX, MAX), count()
  s.need, s.want = count(), count()
  local sum = argument()
  local at = argument()
  if sum ~= '' then s.seen, s.seenAt = whole(sum, 0, MAX), whole(at, 0, MAX) end
  s.limit = s.capacity or s.amount
  if s.want < s.need or kind == 'budget' and s.hold - s.settled < s.unspent
    or kind == 'slots' and s.hold < s.unspent
  then
    refuse('numbers contradict each other')
  end
  return s
end

-- Reads the counter, and what it has of the caller.
local function read(s)
  local names = { 'kind' }
  for i, field in ipairs(FIELDS[s.kind]) do names[1 + i] = field end
  names[#names + 1] = 'cursor'
  names[#names + 1] = ledger
  local found = redis.call('HMGET', s.key, unpack(names))
  if not found[1] then return nil end
  if found[1] ~= s.kind then refuse('a counter of another kind') end
  local counter = {}
  for i, field in ipairs(FIELDS[s.kind]) do counter[field] = whole(found[1 + i], -MAX, MAX) end
  counter.cursorRead = found[#names - 1] or '0'
  counter.cursor = counter.cursorRead
  if found[#names] then s.before = unpackShare(s.kind, found[#names]) end
  return counter
end

local function refilled(amount, period, elapsed, rest)
  elapsed = math.min(elapsed, REFILL)
  local scaled = (amount % period) * elapsed + rest
  return math.floor(amount / period) * elapsed + math.floor(scaled / period), scaled % period
end

-- Refills at the smaller of the last two callers' amounts, down to what is leased and unspent.
local function refill(counter, s)
  if counter.period == s.period and now > counter.time then
    local units, rest = refilled(
      math.min(counter.amount, s.amount), s.period, now - counter.time, counter.rest)
    if units >= counter.sum - counter.unspent then
      counter.sum, counter.rest = counter.unspent, 0
    else
      counter.sum, counter.rest = counter.sum - units, rest
    end
  elseif counter.period ~= s.period then
    counter.rest = 0
  end
  counter.time = math.max(counter.time, now)
  counter.amount, counter.period = s.amount, s.period
end

local function fresh(s)
  local counter = { sum = 0, holders = 0, short = -SECOND, cursor = '0', cursorRead = '0' }
  if s.kind == 'budget' then
    counter.settled, counter.gone, counter.start, counter['end'] = 0, 0, s.first, s.last
    counter.opening, counter.generation = -1, 0
  else
    counter.swept = -SECOND
  end
  if s.kind == 'bucket' then
    counter.unspent, counter.amount, counter.period, counter.time, counter.rest =
      0, s.amount, s.period, now, 0
  end
  return counter
end

local function check(s)
  local counter, share = s.counter, s.share
  for _, number in ipairs({ counter.sum, share.hold, share.unspent, counter.settled or 0,
    counter.gone or 0, counter.unspent or 0, counter.sum - (counter.gone or 0) }) do
    if math.abs(number) > MAX then refuse('a sum is too large') end
  end
end

-- What was seen in use before an opening stays in use until somebody claims it: whoever states for
-- the first time since, and more than the store knew, claims of it.
local function takeBudget(s, counter, share, before)
  share.settled = math.max(s.settled, before and before.settled or 0)
  share.hold = s.hold + (share.settled - s.settled)
  if not wasOpen and counter.opening ~= openingID then
    counter.opening, counter.generation = openingID, counter.generation + 1
  end
  local more = share.hold - (before and before.hold or 0)
  if not before or before.generation ~= counter.generation then
    local claimed = math.min(counter.gone, math.max(0, more))
    counter.gone = counter.gone - claimed
    counter.sum = counter.sum + (more - claimed)
  else
    counter.sum = counter.sum + more
  end
  counter.settled = counter.settled + (share.settled - (before and before.settled or 0))
  if not wasOpen and s.seen and s.seen > counter.sum then
    counter.gone = counter.gone + (s.seen - counter.sum)
    counter.sum = s.seen
  end
  share.generation = counter.generation
end

-- A bucket measures from the first statement of a start, or of a holder that it does not know, or
-- that has been told nothing of it (it forgot the counter, and counts from 0).
local function takeBucket(s, counter, share, before)
  if before and before.start == start and s.seen then
    counter.sum = counter.sum + (s.hold - before.hold)
  end
  counter.unspent = counter.unspent + (s.unspent - (before and before.unspent or 0))
  counter.sum = math.max(counter.sum, counter.unspent, 0)
  if not wasOpen and s.seen then
    local units = refilled(s.amount, s.period, math.max(0, now - s.seenAt), 0)
    counter.sum = math.max(counter.sum, s.seen - units)
  end
end

-- Puts what is stated in the place of what was stated before, where it is newer.
local function take(s)
  s.counter = read(s)
  local counter = s.counter
  if counter and s.kind == 'bucket' then refill(counter, s) end
  s.settledBefore = counter and counter.settled or 0
  if s.kind == 'budget' then
    if counter and now < counter['end'] then
      if s.first ~= counter.start or s.last ~= counter['end'] then return 'otherWindow' end
    elseif now < s.first or now >= s.last then
      return 'otherWindow'
    else
      s.isAnew = counter ~= nil  -- with the ended window all that was held in it goes
      counter, s.before = nil, nil
    end
  end
  counter = counter or fresh(s)
  local before = s.before
  if before then
    if before.start > start or before.start == start and before.nonce ~= nonce then
      return 'fenced', before.start
    end
    if before.start == start and before.number >= s.number then return 'stale' end
  end
  s.settledBefore = counter.settled or 0
  local share = { start = start, number = s.number, nonce = nonce, hold = s.hold,
    unspent = s.unspent, heard = now }
  if s.kind == 'budget' then
    takeBudget(s, counter, share, before)
  elseif s.kind == 'bucket' then
    takeBucket(s, counter, share, before)
  else
    counter.sum = counter.sum + (s.hold - (before and before.hold or 0))
  end
  if not before then counter.holders = counter.holders + 1 end
  s.counter, s.share, s.changes = counter, share, {}
  check(s)
  return isOpen and 'taken' or 'opening'
end

-- Looks for holders that are silent, at most once a second and some 200 at a time: takes their slots
-- back, or stops holding room for what they leased. What it finds is written later.
local function sweep(s)
  local counter = s.counter
  if now >= counter.swept and now - counter.swept < SECOND then return end
  counter.swept = now
  local kept = lease + (s.kind == 'slots' and KEEP or BUCKET_HOLDER)
  local found = redis.call('HSCAN', s.key, counter.cursor, 'COUNT', 200)
  counter.cursor = found[1]
  for i = 1, #found[2], 2 do
    local id = found[2][i]
    -- The same one may be found twice.
    if #id == 32 and id ~= ledger and s.changes[id] == nil then
      local share = unpackShare(s.kind, found[2][i + 1])
      local silent = now - share.heard
      if silent >= lease then
        if s.kind == 'slots' then
          counter.sum = counter.sum - share.hold
          share.hold = 0
        else
          counter.unspent = counter.unspent - share.unspent
        end
        share.unspent = 0
        if silent >= kept then counter.holders = counter.holders - 1 end
        s.changes[id] = silent < kept and pack(s.kind, share)
      end
    end
  end
end

local function isShort(counter)
  return now >= counter.short and now - counter.short < SECOND
end

local function milliseconds(units, counter)
  local exact = (units * counter.period - counter.rest) / counter.amount
  return math.min(LONGEST, math.max(0, math.ceil(exact)))
end

-- What may be granted; nothing where the need is not there.
local function judge(s)
  local counter = s.counter
  local wasShort = isShort(counter)
  if s.need > 0 and s.need > s.limit - counter.sum then
    if s.kind ~= 'budget' then sweep(s) end
    if s.need > s.limit - counter.sum then
      counter.short = now
      s.outcome, s.value = 'short', 0
      -- Never by waiting alone where others' slices hold the bucket above that.
      if s.kind == 'bucket' and s.limit - s.need >= counter.unspent then
        s.value = milliseconds(counter.sum - (s.limit - s.need), counter)
      end
      return
    end
  end
  local among = aliveCount > 0 and math.min(aliveCount, counter.holders) or counter.holders
  local left = math.max(0, s.limit - counter.sum)
  local part = math.floor(left / (2 * math.max(1, among)))
  s.grant = wasShort and s.need or math.min(s.want, math.max(s.need, part))
end

local function give(s, isRefused)
  if isRefused and s.need > 0 then
    s.outcome = 'otherShort'
    return
  end
  local counter, share = s.counter, s.share
  counter.sum, share.hold = counter.sum + s.grant, share.hold + s.grant
  share.unspent = share.unspent + s.grant
  if s.kind == 'bucket' then counter.unspent = counter.unspent + s.grant end
  s.outcome, s.value = 'granted', s.grant
  check(s)
end

