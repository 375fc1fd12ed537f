-- X, IceWM and an xterm, used by mouse and keyboard alone; the serial console tells what became of it.
expect("the desktop is up", 600)
local width, height = screen_size()
assert(width == 1024 and height == 768)
sleep(1)

-- The tablet: clicks take the keyboard away from the terminal and give it back.
click("left", 870, 35)
typeline("echo 'to the clock' > /tmp/typed")
sleep(1)
click("left", 300, 300)
typeline("echo 'it was typed' > /tmp/typed; exec sleep 1000")
sleep(2)
send("\r")
expect("# ", 60)
local text, status = run("cat /tmp/typed")
assert(status == 0 and text:match("it was typed"), text)

-- The root window's menu comes and goes.
local before = screen_checksum(720, 330, 100, 150)
click("right", 720, 330)
sleep(2)
assert(screen_checksum(720, 330, 100, 150) ~= before, "there is no menu")
click("left", 600, 650)
wait_pixels(720, 330, 100, 150, before, 20)

-- What X shows in a corner is what it was told to.
run("DISPLAY=:0 xsetroot -solid '#804020'")
sleep(1)
screenshot(({...})[1])
