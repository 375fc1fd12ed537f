# Every source of the emulator compiles without a warning under Clang too. Run as
#   cmake -DROOT=<source tree> -DCLANG=<program> -P check_clang.cmake
cmake_minimum_required(VERSION 3.18)

set(failed "")
foreach(folder cpu mmu jit devices machine frontends)
  file(GLOB_RECURSE sources ${ROOT}/${folder}/*.c)
  foreach(source ${sources})
    execute_process(COMMAND ${CLANG} -std=gnu17 -Wall -Wextra -Werror -fwrapv -fno-strict-aliasing -fsyntax-only
                            -DARMATURE_VERSION="0" -I${ROOT} ${source}
                    RESULT_VARIABLE code ERROR_VARIABLE text)
    if(code)
      string(APPEND failed "${text}")
    endif()
  endforeach()
endforeach()
if(failed)
  message(FATAL_ERROR "${failed}")
endif()
