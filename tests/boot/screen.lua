-- Debian's installer as a person sees it: no serial port, only the screen and the keyboard. First bterm, whose font is in
-- the initrd, then the kernel's console.
timeout(600)
wait_screen("<Go Back>")
sleep(1) -- until all of it is drawn
local text = screen_text()
for _, language in ipairs{"Select a language", "English", "Français", "Čeština", "日本語", "┤ [!!]"} do
    assert(text:find(language, 1, true), language .. " is missing in\n" .. text)
end
local back = screen_find("<Go Back>")
assert(back.row > 30 and back.x == 8 * back.column + 4 and back.y == 16 * back.row + 8)
local sum = screen_checksum()
press("Down")
wait_screen("<Go Back>")
sleep(1)
assert(screen_checksum() ~= sum)
press("Up")
wait_pixels(0, 0, 0, 0, sum)
press("Enter")
wait_screen("Select your location")
press("alt+F2")
wait_screen("Please press Enter to activate this console")
press("Enter")
wait_screen("~ # ")
typeline([[echo $((6*7)) '{|}~^`\@"' '<>']])
wait_screen([[42 {|}~^`\@" <>]])
screenshot(arg[1])
typeline("poweroff -f")
wait_off(60)
