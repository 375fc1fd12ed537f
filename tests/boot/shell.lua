-- A shell on Linux: commands give what they should, also among the kernel's own messages. Arguments: number of CPUs,
-- the text that appears when the shell is there, how to switch off.
local cpus, ready, off = ...

local function check(command, wanted, code)
    local output, status = run(command, 300)
    assert(output == wanted, ("%s gave %q, not %q"):format(command, output, wanted))
    assert(status == (code or 0), ("%s: exit status %d"):format(command, status))
end

expect(ready, 1800)
check("[ -e /proc/cpuinfo ] || mount -t proc proc /proc", "")
check("[ -e /dev/kmsg ] || mount -t devtmpfs dev /dev", "")
check("uname -m", "armv7l\n")
check("true", "")
check("false", "", 1)
check("printf 'no newline'; exit_code() { return 42; }; exit_code", "no newline", 42)
check("echo \"it's\" \"\\$HOME\" '!'", "it's $HOME !\n")
check("echo one\necho two", "one\ntwo\n")
check("printf 'a\tb'", "a\tb")
check("cd /proc; X=kept", "")
check("pwd; echo $X; cd /", "/proc\nkept\n")
check("grep -c ^processor /proc/cpuinfo", cpus .. "\n")
check("echo E:1 B:1; echo 'E:$?'", "E:1 B:1\nE:$?\n")

local long = ("x"):rep(300)
check("echo " .. long, long .. "\n")

local output, status = run("if then", 300)
assert(status ~= 0 and output:find("syntax error"), "a syntax error ended as " .. status .. ": " .. output)

-- The kernel's messages come in the middle of lines; they are not part of the output.
check("for i in 1 2 3 4 5; do printf 'be%s' $i; echo '<4>among' $i > /dev/kmsg; echo after; done",
    "be1after\nbe2after\nbe3after\nbe4after\nbe5after\n")
-- But what dmesg prints is.
local log = run("dmesg", 300)
assert(log:find("Linux version") and select(2, log:gsub("among", "")) == 5, "dmesg's output is incomplete")

local numbers = run("i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i+1)); done", 600)
local count = 0
for line in numbers:gmatch("[^\n]+") do
    assert(line == tostring(count), ("line %d is %q"):format(count, line))
    count = count + 1
end
assert(count == 2000)

local pc = read_register("pc")
assert(pc == registers().pc and pc >= 0, "pc")
poweroff(off, 300)
