# Every source of the emulator compiles without a warning under Clang too. Run as
#   cmake -DROOT=<source tree> -DCLANG=<program> -P check_clang.cmake
cmake_minimum_required(VERSION 3.18)

# Where the headers of libraries are that are not in a standard place.
execute_process(COMMAND pkg-config --cflags-only-I lua5.4 OUTPUT_VARIABLE includes OUTPUT_STRIP_TRAILING_WHITESPACE)
separate_arguments(includes)
execute_process(COMMAND pkg-config --cflags-only-I sdl2 OUTPUT_VARIABLE sdl_includes RESULT_VARIABLE no_sdl
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
separate_arguments(sdl_includes)

set(failed "")
foreach(folder cpu mmu jit devices machine images net volumes shares frontends)
  file(GLOB_RECURSE sources ${ROOT}/${folder}/*.c)
  if(no_sdl)
    list(FILTER sources EXCLUDE REGEX "/[a-z_]*sdl[a-z_]*\\.c$")
  endif()
  foreach(source ${sources})
    execute_process(COMMAND ${CLANG} -std=gnu17 -Wall -Wextra -Werror -fwrapv -fno-strict-aliasing -fsyntax-only
                            -DARMATURE_VERSION="0" -I${ROOT} ${includes} ${sdl_includes} ${source}
                    RESULT_VARIABLE code ERROR_VARIABLE text)
    if(code)
      string(APPEND failed "${text}")
    endif()
  endforeach()
endforeach()
if(failed)
  message(FATAL_ERROR "${failed}")
endif()
