# The simulated libcudnn.so.9, and what holds it against the real one.
tidy_add_simulated(cudnn 9 cudnn_attributes.c cudnn_convolution.c cudnn_descriptor.c cudnn_engines.c cudnn_execute.c
  cudnn_graph.c cudnn_handle.c)
target_include_directories(simulated-cudnn SYSTEM PUBLIC ${CUDNN_INCLUDE_DIR})
target_link_libraries(simulated-cudnn PUBLIC simulated-cudart PRIVATE m)

# Its loops are the time of a training step: sanitizers would make them twenty times as slow.
set_source_files_properties(cudnn_convolution.c PROPERTIES COMPILE_OPTIONS "-O3;-fno-sanitize=all")

add_executable(cudnn-conformity conformity.c conformity_attributes.c conformity_plans.c conformity_shapes.c)
target_include_directories(cudnn-conformity SYSTEM PRIVATE ${CUDNN_INCLUDE_DIR} ${CUDAToolkit_INCLUDE_DIRS})
target_link_libraries(cudnn-conformity PRIVATE ${CMAKE_DL_LIBS})
tidy_add_script_test(cudnn_conformity)
set_property(TEST cudnn_conformity APPEND PROPERTY ENVIRONMENT
  "CONFORMITY=$<TARGET_FILE:cudnn-conformity>"
  "REAL_CUDNN=${CUDNN_LIBRARY}"
  "SIMULATED_CUDNN_LIBRARY=$<TARGET_FILE:simulated-cudnn>")

# Suites on the simulated library.
add_library(tidy-cudnn-fixture STATIC cudnn_fixture.c)
target_link_libraries(tidy-cudnn-fixture PUBLIC tidy-simulator-test simulated-cudnn)
tidy_add_test(simulated_cudnn_numbers LINK tidy-cudnn-fixture tidy-common m)
tidy_add_test(simulated_cudnn_misuse LINK tidy-cudnn-fixture)

# The backend's own plans, as linked against the real libraries, on the simulated ones.
tidy_add_test(simulated_plans LINK tidy-cuda-plans tidy-record-lib m)
add_dependencies(test-simulated_plans simulated-cudnn simulated-cublas simulated-cudart)
set_property(TEST simulated_plans APPEND PROPERTY ENVIRONMENT "LD_LIBRARY_PATH=${SIMULATED_GPU_DIR}")
