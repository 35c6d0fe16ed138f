# tidy_embed(TARGET FILE NAME): FILE's bytes become part of the target, as NAME[] and NAME_bytes.
# The same file is the script that makes the C source: cmake -DINPUT=page.css -DOUTPUT=page_css.c -DNAME=page_css -P
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n    " bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1, " bytes "${bytes}")
  file(WRITE "${OUTPUT}" "#include <stddef.h>

extern const unsigned char ${NAME}[];
extern const size_t ${NAME}_bytes;
const unsigned char ${NAME}[] = {
    ${bytes}0};
const size_t ${NAME}_bytes = sizeof ${NAME} - 1;
")
  return()
endif()

set(TIDY_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(tidy_embed target file name)
  set(input ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${input} -DOUTPUT=${output} -DNAME=${name} -P ${TIDY_EMBED_SCRIPT}
    DEPENDS ${input} ${TIDY_EMBED_SCRIPT}
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
