-- Linux makes a console of the picture that the boot ROM has set up. Arguments: width, height, bits for each pixel.
local width, height, bits = ...
local frame = 0x4c000000
local bytes = width * height * bits // 8
local grey = string.pack(bits == "16" and "<I2" or "<I4", bits == "16" and 0xad55 or 0xaaaaaa)

local function check(command, wanted)
    local output, status = run(command, 300)
    assert(status == 0 and output == wanted, ("%s gave %q, not %q"):format(command, output, wanted))
end

-- How many pixels have the colour of the console's text.
local function count_grey()
    local picture, count = read_memory(frame, bytes), 0
    for at = 1, #picture, #grey do
        if picture:sub(at, at + #grey - 1) == grey then count = count + 1 end
    end
    return count
end

expect("# ", 1800)
check("mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev", "")
check("cat /proc/fb", "0 simple\n")
check("cat /sys/class/graphics/fb0/virtual_size", width .. "," .. height .. "\n")
check("cat /sys/class/graphics/fb0/bits_per_pixel", bits .. "\n")
check("cat /sys/class/graphics/fb0/stride", width * bits // 8 .. "\n")
check("grep -c 'System RAM' /proc/iomem", "1\n") -- video RAM is none

local count = count_grey()
assert(count > 3000, "the kernel's messages are not on the screen: " .. count .. " pixels of text")
check("printf '\\033[2J\\033[H' > /dev/tty0", "")
assert(count_grey() < 100, "the screen was not cleared")
check("echo '################################' > /dev/tty0", "")
assert(count_grey() > 500, "text for tty0 is not on the screen")

-- A pixel of the kernel's is a pixel of the board's, with red where the device tree says.
check("printf '\\001\\002\\003\\370' > /dev/fb0", "")
assert(read_memory(frame, 4) == "\x01\x02\x03\xf8", "what was written to fb0 is not in the frame")
poweroff("echo o > /proc/sysrq-trigger", 300)
