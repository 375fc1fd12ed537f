# The include arrows: frontends -> images, volumes -> machine -> cpu, mmu, devices, jit. Run as
#   cmake -DROOT=<source tree> -P check_includes.cmake
# machine/'s base headers are for everyone below it.
cmake_minimum_required(VERSION 3.18)

set(base machine/arrivals.h machine/audio.h machine/balloon.h machine/bus.h machine/checked.h machine/clock.h machine/disk.h machine/display.h machine/error.h machine/file_lock.h machine/journal.h
  machine/host_folder.h machine/host_time.h machine/host_work.h machine/input.h machine/irq.h machine/keys.def machine/keys.h machine/log.h
  machine/net.h machine/net_flows.h machine/random.h machine/serial.h machine/share_port.h machine/watch.h)

# What each folder may include, as regular expressions.
string(JOIN "|" base_headers ${base})
set(may_cpu "cpu/|mmu/|${base_headers}")
set(may_mmu "cpu/|mmu/|${base_headers}")
set(may_jit "jit/|cpu/|mmu/|${base_headers}")
set(may_shares "shares/|machine/error\\.h|machine/host_folder\\.h|machine/share_port\\.h")
set(may_devices "devices/|${base_headers}")
set(may_machine "machine/|cpu/|mmu/|devices/|jit/|roms/rom\\.h|roms/boot_params\\.h|roms/font_ascii\\.def")
set(may_images "images/|machine/")
set(may_net "net/|${base_headers}")
set(may_volumes "volumes/|machine/error\\.h")
set(may_snapshot "snapshot/|machine/|cpu/|mmu/|devices/")
set(may_history "history/|snapshot/state\\.h|machine/|cpu/|mmu/")
set(may_frontends "history/history\\.h|frontends/|snapshot/(snapshot|machine_hash|recording|migrate)\\.h|images/(image|manage)\\.h|machine/|net/|shares/share\\.h|volumes/bootable\\.h")
set(may_roms "roms/|[^/]+$")

set(wrong "")

# One quoted include of one file.
function(check_quoted file folder include)
  set(why "")
  if(include MATCHES "\\.c$")
    set(why "a .c file is not a header")
  elseif(include MATCHES "(^|/)sem_[^/]*\\.h$" AND
         NOT file MATCHES "^cpu/interp\\.c$|^jit/translate\\.c$|^jit/emit_[^/]*\\.c$|(^|/)sem_[^/]*\\.h$")
    set(why "bodies are for cpu/interp.c, jit/translate.c, jit/emit_*.c and each other only")
  elseif(include MATCHES "\\.\\./")
    set(why "paths start at the root of the tree")
  elseif(file IN_LIST base AND NOT include IN_LIST base)
    set(why "machine/'s base headers include only each other")
  elseif(NOT include MATCHES "^(${may_${folder}})")
    set(why "${folder}/ must not see it")
  endif()
  if(why)
    set(wrong "${wrong}  ${file} includes \"${include}\": ${why}\n" PARENT_SCOPE)
  endif()
endfunction()

foreach(folder cpu mmu jit devices machine images net volumes shares snapshot history frontends roms)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${folder}/*.c ${ROOT}/${folder}/*.h ${ROOT}/${folder}/*.def)
  foreach(file ${files})
    file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include")
    foreach(line ${lines})
      if(line MATCHES "include[ \t]*\"([^\"]+)\"")
        check_quoted(${file} ${folder} ${CMAKE_MATCH_1})
      elseif(line MATCHES "<SDL" AND NOT file MATCHES "^frontends/[a-z_]*sdl[a-z_]*\\.[ch]$")
        string(APPEND wrong "  ${file} includes SDL: only files of frontends/ that are named for it may\n")
      endif()
    endforeach()
  endforeach()
endforeach()

if(wrong)
  message(FATAL_ERROR "wrong includes:\n${wrong}")
endif()
