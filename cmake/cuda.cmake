# Sets TIDY_HAS_CUDA where the CUDA backend is to be built, and enables CUDA with its targets:
# CUDA::cudart, CUDA::cublas and CUDNN::cudnn.
set(TIDY_HAS_CUDA OFF)
if(TIDY_CUDA STREQUAL "OFF")
  return()
endif()

# From Turing to Blackwell in machine code; PTX of the first and the last for those between and after, which the driver compiles when
# it loads them.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 75 80-real 86-real 89-real 90-real 100-real 120
      CACHE STRING "GPU architectures")
endif()
set(missing "")
include(CheckLanguage)
check_language(CUDA)
find_package(CUDAToolkit 13 QUIET)
find_path(CUDNN_INCLUDE_DIR cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS})
find_library(CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR})
if(NOT CMAKE_CUDA_COMPILER OR NOT CUDAToolkit_FOUND)
  set(missing "the CUDA toolkit, version 13 (nvcc, cudart, cuBLAS)")
elseif(NOT CUDNN_INCLUDE_DIR OR NOT CUDNN_LIBRARY)
  set(missing "cuDNN 9 (cudnn.h and libcudnn; -DCUDNN_INCLUDE_DIR and -DCUDNN_LIBRARY name them)")
endif()
if(missing AND TIDY_CUDA STREQUAL "ON")
  message(FATAL_ERROR "TIDY_CUDA=ON needs ${missing}")
elseif(missing)
  message(STATUS "The CUDA backend is not built: it needs ${missing}")
  return()
endif()

set(TIDY_HAS_CUDA ON)
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)
enable_language(CUDA)
add_library(CUDNN::cudnn UNKNOWN IMPORTED)
set_target_properties(CUDNN::cudnn PROPERTIES
  IMPORTED_LOCATION ${CUDNN_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${CUDNN_INCLUDE_DIR})
