import { RedisScript } from "./redis-script.ts";

/**
 * Puts one segment into the public order, as one record for each of its parts in each rendition.
 * KEYS state, records, blocks, sessions, inits; ARGV session, index, init SHA-256 of each rendition
 * with a space after each, records max, sessions max, and of each part its rendition and its fields.
 * Answers { "ok", records } or { error code }.
 *
 * The state hash holds `next` (number of the next media segment), `discontinuity`, and of the newest
 * session: `session`, `last` (index), `init` (its number), `init-sha256`, `renditions` (how many). A
 * record is the JSON array [rendition, sequence, part, discontinuity, init, name, fields]: the fields
 * stay as the caller spelled them, because Lua's JSON would round large numbers.
 */
export const registerScript = new RedisScript(
  "register-segment",
  `
local state, records, blocks, sessions, inits = unpack(KEYS)
local session, index, digests, records_max, sessions_max = unpack(ARGV)
local name = session .. "/" .. index
local answer = { "ok" }

local known = redis.call("HGET", blocks, name)
for key in (known or ""):gmatch("%S+") do
  answer[#answer + 1] = redis.call("HGET", records, key)
end
if known then return answer end
if redis.call("HLEN", records) >= tonumber(records_max) then return { "timeline-full" } end

local newest, next, discontinuity, last, init_number, init_digests = unpack(redis.call(
  "HMGET", state, "session", "next", "discontinuity", "last", "init", "init-sha256"))
local sequence = tonumber(next or 0)
discontinuity = tonumber(discontinuity or 0)

local inits_by_rendition = {}
if index == "init" then
  if redis.call("LPOS", sessions, session) then return { "session-over" } end
  if newest and tonumber(last) >= 0 then discontinuity = discontinuity + 1 end
  -- A session that got no media leaves its number unused: its init segment may already be signed.
  if newest and tonumber(last) < 0 then sequence = sequence + 1 end
  redis.call("LPUSH", sessions, session)
  redis.call("LTRIM", sessions, 0, tonumber(sessions_max) - 1)
  redis.call("RPUSH", inits, sequence)
  redis.call("HSET", state, "session", session, "next", sequence, "discontinuity", discontinuity,
    "last", -1, "init", sequence, "init-sha256", digests,
    "renditions", select(2, digests:gsub("%S+", "")))
else
  if newest ~= session then
    return { redis.call("LPOS", sessions, session) and "session-over" or "init-missing" }
  end
  if tonumber(index) <= tonumber(last) then return { "segment-out-of-order" } end
  for sha256 in init_digests:gmatch("%S+") do
    inits_by_rendition[#inits_by_rendition + 1] =
      '{"sequence":' .. init_number .. ',"sha256":"' .. sha256 .. '"}'
  end
  for argument = 6, #ARGV, 2 do
    if not inits_by_rendition[tonumber(ARGV[argument]) + 1] then return { "init-missing" } end
  end
  redis.call("HSET", state, "next", sequence + 1, "last", index)
end
if sequence > 4294967295 then return { "sequence-exhausted" } end

local keys = ""
local part, previous = 0, ""
for argument = 6, #ARGV, 2 do
  local rendition = ARGV[argument]
  part = rendition == previous and part + 1 or 0
  previous = rendition
  local key = rendition .. ":" .. sequence .. ":" .. (index == "init" and "init" or part)
  local record = "[" .. rendition .. "," .. sequence .. ","
    .. (index == "init" and 65535 or part) .. "," .. discontinuity .. ","
    .. (inits_by_rendition[tonumber(rendition) + 1] or "null") .. ',"'
    .. name .. '",' .. ARGV[argument + 1] .. "]"
  redis.call("HSET", records, key, record)
  keys = keys .. key .. " "
  answer[#answer + 1] = record
end
redis.call("HSET", blocks, name, keys)
return answer
`,
);

/**
 * The records of the newest media segments, oldest first, a list for each segment, as far back as
 * their numbers have no hole: HLS counts positions, so a playlist may not skip a number. Where a
 * publish session has no such rendition, the one that stands before it stands in for it.
 * KEYS state, records; ARGV rendition, count.
 */
export const windowScript = new RedisScript(
  "timeline-window",
  `
local next = tonumber(redis.call("HGET", KEYS[1], "next") or 0)
local window = {}
for sequence = next - 1, math.max(0, next - tonumber(ARGV[2])), -1 do
  local parts = {}
  for rendition = tonumber(ARGV[1]), 0, -1 do
    repeat
      local record = redis.call("HGET", KEYS[2], rendition .. ":" .. sequence .. ":" .. #parts)
      parts[#parts + 1] = record or nil
    until not record
    if #parts > 0 then break end
  end
  if #parts == 0 then break end
  table.insert(window, 1, parts)
end
return window
`,
);

/**
 * Removes records with their manifests, and remembers up to where, so that no late signer brings a
 * manifest back. An init segment goes when no record that is left needs it; the newest one stays
 * unless nothing is kept.
 * KEYS state, records, blocks, inits, manifest index, manifest log; ARGV renditions max, count to keep,
 * segments to remove at most. Answers { more to do (0 or 1), removed records }.
 */
export const trimScript = new RedisScript(
  "timeline-trim",
  `
local state, records, blocks, inits, manifests, log = unpack(KEYS)
local renditions, keep, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local removed = {}

local function remove(key)
  local record = redis.call("HGET", records, key)
  if not record then return false end
  redis.call("HDEL", records, key)
  redis.call("HDEL", blocks, cjson.decode(record)[6])
  local entry = redis.call("HGET", manifests, key)
  if entry then
    redis.call("XDEL", log, entry)
    redis.call("HDEL", manifests, key)
  end
  removed[#removed + 1] = record
  return true
end

local next, oldest = unpack(redis.call("HMGET", state, "next", "oldest"))
next, oldest = tonumber(next or 0), tonumber(oldest or 0)
local goal = math.max(oldest, next - keep)
local limit = math.min(goal, oldest + max)
for sequence = oldest, limit - 1 do
  for rendition = 0, renditions - 1 do
    local part = 0
    while remove(rendition .. ":" .. sequence .. ":" .. part) do part = part + 1 end
  end
end
redis.call("HSET", state, "oldest", limit)

local function is_needed(index)
  local following = tonumber(redis.call("LINDEX", inits, index + 1))
  return (not following and keep > 0) or (following or next) > limit
end
while redis.call("LLEN", inits) > 0 and not is_needed(0) do
  local init = tonumber(redis.call("LPOP", inits))
  for rendition = 0, renditions - 1 do remove(rendition .. ":" .. init .. ":init") end
  redis.call("HSET", state, "oldest-init", init + 1)
end
return { limit < goal and 1 or 0, removed }
`,
);
