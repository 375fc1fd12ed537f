-- Tables, strings, closures, integer and floating-point arithmetic. Prints results that are the same on every platform.
local rounds = tonumber(arg[1])

local function permutations(n)
    local sum, values = 0, {}
    for i = 1, n do values[i] = i end
    local function permute(k)
        if k == 1 then
            sum = (sum * 31 + values[1] * values[n]) % 1000003
            return
        end
        for i = 1, k do
            permute(k - 1)
            local other = k % 2 == 0 and i or 1
            values[other], values[k] = values[k], values[other]
        end
    end
    permute(n)
    return sum
end

local function words(count)
    local seen, parts, state = {}, {}, 42
    for i = 1, count do
        state = (state * 1103515245 + 12345) % 2147483648
        local word = string.format("%x", state // 65536 % 4096)
        seen[word] = (seen[word] or 0) + 1
        parts[#parts + 1] = word:reverse():upper()
    end
    local keys = {}
    for word in pairs(seen) do keys[#keys + 1] = word end
    table.sort(keys)
    local text, letters = table.concat(parts, " "), 0
    for word in text:gmatch("%a+") do letters = letters + #word end
    return #keys + seen[keys[1]] * 7 + letters
end

local function spectral(n)
    local vector, result = {}, 0
    for i = 1, n do vector[i] = 1 / i end
    for i = 1, n do
        local sum = 0.0
        for j = 1, n do sum = sum + vector[j] / ((i + j - 2) * (i + j - 1) / 2 + i) end
        result = result + sum * sum
    end
    return math.sqrt(result)
end

local function objects(count)
    local Point = {}
    Point.__index = Point
    function Point:move(dx, dy) return setmetatable({x = self.x + dx, y = self.y + dy}, Point) end
    local point = setmetatable({x = 0, y = 0}, Point)
    for i = 1, count do point = point:move(i % 3, i % 5) end
    return point.x * 1000 + point.y
end

local total, real = 0, 0
for round = 1, rounds do
    total = (total + permutations(7) + words(2000) + objects(8000)) % 1000000007
    real = real + spectral(60 + round % 10)
end
print(string.format("%d %.12f", total, real))
