# Every .c and .h file is as clang-format leaves it. Run as
#   cmake -DROOT=<source tree> -DCLANG_FORMAT=<program> -P check_format.cmake
cmake_minimum_required(VERSION 3.18)

set(files "")
foreach(folder cpu mmu jit devices machine images net volumes shares snapshot history frontends roms tests bench)
  file(GLOB_RECURSE found ${ROOT}/${folder}/*.c ${ROOT}/${folder}/*.h)
  list(APPEND files ${found})
endforeach()
execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror ${files} RESULT_VARIABLE code ERROR_VARIABLE text)
if(code)
  string(REGEX MATCHALL "[^\n]*: error: [^\n]*" errors "${text}")
  list(TRANSFORM errors REPLACE ":[0-9]+:[0-9]+: error: .*" "")
  list(LENGTH errors count)
  list(REMOVE_DUPLICATES errors)
  string(JOIN "\n  " text ${errors})
  message(FATAL_ERROR "${count} places are not formatted; run clang-format -i on\n  ${text}")
endif()
