# Settings that every target of ours takes. The static helper and the stand-in take project_warnings only.
add_library(project_warnings INTERFACE)
target_compile_options(project_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
  -Woverloaded-virtual -Wno-missing-field-initializers $<$<BOOL:${HOOKSHOT_WERROR}>:-Werror>)
add_library(project_options INTERFACE)
target_include_directories(project_options INTERFACE ${PROJECT_SOURCE_DIR})
# Full debug information and optimised tests would double the time of a build from nothing; so would headers that
# every source parses again. Builds without precompiled headers tell whether every source includes what it uses.
set(is_test $<BOOL:$<TARGET_PROPERTY:HOOKSHOT_TEST>>)
target_compile_options(project_options INTERFACE $<$<CONFIG:RelWithDebInfo>:$<IF:${is_test},-g0,-g1>>)
option(HOOKSHOT_PCH "Precompiled headers" OFF)
set(standard_headers <algorithm> <chrono> <filesystem> <functional> <map> <memory> <optional> <set> <string>
  <string_view> <vector> <nlohmann/json.hpp> <tl/expected.hpp>)
# precompile(target OWNER): OWNER's headers, which have to be compiled with the same options; or, where it is the target
# itself, the standard headers and those given after it.
function(precompile target owner)
  if(NOT HOOKSHOT_PCH)
    return()
  endif()
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${standard_headers} ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()
if(HOOKSHOT_SANITIZE)
  target_compile_options(project_options INTERFACE -fsanitize=${HOOKSHOT_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(project_options INTERFACE -fsanitize=${HOOKSHOT_SANITIZE})
endif()

# add_component(NAME name SOURCES a.cc... [DEPS targets...] [TESTS a_test.cc...] [LAB_TESTS b_test.cc...])
#
# One folder, one target `harness::name`, and one unit test executable that links only what the folder
# declares, so that a hidden dependency is a link error. TESTS carry the ctest label `unit`, LAB_TESTS
# the label `lab` (they may take a node, a daemon or minutes, each a lab of a name of its own; they exit 77 or use
# GTEST_SKIP with the reason where the machine cannot run them).
function(add_component)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPS;TESTS;LAB_TESTS;TEST_DEPS" ${ARGN})
  add_library(hookshot_${ARG_NAME} STATIC ${ARG_SOURCES})
  add_library(harness::${ARG_NAME} ALIAS hookshot_${ARG_NAME})
  target_link_libraries(hookshot_${ARG_NAME} PUBLIC project_options ${ARG_DEPS} PRIVATE project_warnings)
  if(ARG_NAME MATCHES "^(base|standin)$")  # the latter takes fmt as headers alone
    precompile(hookshot_${ARG_NAME} hookshot_${ARG_NAME} <fmt/format.h>)
  else()
    precompile(hookshot_${ARG_NAME} hookshot_base)
  endif()
  if(ARG_TESTS)
    add_hookshot_test(NAME ${ARG_NAME}_test LABEL unit SOURCES ${ARG_TESTS} DEPS harness::${ARG_NAME} ${ARG_TEST_DEPS})
  endif()
  if(ARG_LAB_TESTS)
    add_hookshot_test(NAME ${ARG_NAME}_lab_test LABEL lab SOURCES ${ARG_LAB_TESTS} DEPS harness::${ARG_NAME} ${ARG_TEST_DEPS})
  endif()
endfunction()

function(set_tests_options target)
  set_target_properties(${target} PROPERTIES HOOKSHOT_TEST ON)
  target_link_libraries(${target} PRIVATE project_options project_warnings GTest::gmock)
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
endfunction()

if(HOOKSHOT_PCH)
  file(WRITE ${PROJECT_BINARY_DIR}/test_headers.cc "")
  add_library(hookshot_test_headers OBJECT ${PROJECT_BINARY_DIR}/test_headers.cc)
  set_tests_options(hookshot_test_headers)
  target_link_libraries(hookshot_test_headers PRIVATE nlohmann_json::nlohmann_json tl::expected)
  precompile(hookshot_test_headers hookshot_test_headers <fstream> <gmock/gmock.h> <gtest/gtest.h>)
endif()

# add_hookshot_test(NAME n LABEL unit|lab SOURCES ... DEPS ...): a GoogleTest executable as one ctest test.
# Tests find the source tree by the macro HOOKSHOT_SOURCE_DIR and the build tree by HOOKSHOT_BINARY_DIR.
function(add_hookshot_test)
  cmake_parse_arguments(ARG "" "NAME;LABEL" "SOURCES;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SOURCES})
  set_tests_options(${ARG_NAME})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} GTest::gtest_main)
  precompile(${ARG_NAME} hookshot_test_headers)
  target_compile_definitions(${ARG_NAME} PRIVATE HOOKSHOT_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HOOKSHOT_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS ${ARG_LABEL} SKIP_RETURN_CODE 77)
  if(ARG_LABEL STREQUAL lab)
    # Three at a time, the longest first by the COST (seconds) that its own folder gives it: on two processors a node
    # waits half of its time. A virtual machine and a cluster of three servers count as two.
    set_tests_properties(${ARG_NAME} PROPERTIES COST 100 TIMEOUT 3000)
  else()
    set_tests_properties(${ARG_NAME} PROPERTIES TIMEOUT 120)
  endif()
endfunction()
