-- A picture of the desktop after something was done on it with mouse and keyboard: screenshot.lua FILE.png
local file = ...
expect("the desktop is up", 300)
sleep(1)
click("left", 300, 300) -- the terminal
typeline("uname -a; head -4 /proc/cpuinfo")
sleep(1)
click("right", 720, 330)
sleep(1)
mouse_to(740, 410) -- Programs
sleep(2)
screenshot(file)
