-- A picture of the desktop with something done on it, by mouse and keyboard alone: screenshot.lua FILE.png
local file = ...
expect("the desktop is up", 300)
sleep(5)
click("left", 200, 300) -- the terminal
typeline("cat /etc/debian_version; uname -a")
sleep(3)
mouse_to(500, 560)
sleep(2)
screenshot(file)
