-- A picture of the desktop after something was done on it with mouse and keyboard: screenshot.lua FILE.png
local file = ...
expect("the desktop is up", 300)
sleep(12) -- until the window manager lets the focus go elsewhere
click("left", 500, 755) -- the terminal's button on the task bar
typeline("uname -a; head -4 /proc/cpuinfo")
sleep(1)
click("right", 720, 330)
sleep(1)
mouse_to(740, 410) -- Programs
sleep(2)
screenshot(file)
