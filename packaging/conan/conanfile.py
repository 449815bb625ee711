"""The C++ library for Conan 2: `conan create packaging/conan` from a checkout, or in a project that requires furrow.

Conan's own packages of fmt, hwloc and xxHash are used. The command, the Python module and MPI are not part of it.
"""
import re
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy
from conan.tools.gnu import PkgConfigDeps

PARTS = ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "src/*", "python/CMakeLists.txt")


class FurrowConan(ConanFile):
    name = "furrow"
    description = "Massively parallel, reproducible work: the C++ library"
    license = "MIT"
    topics = ("parallel", "thread-pool", "multiprocessing", "reproducible")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False}

    def set_version(self):
        text = (Path(self.recipe_folder).parents[1] / "CMakeLists.txt").read_text()
        self.version = re.search(r"project\(furrow VERSION (\S+)", text)[1]

    def export_sources(self):
        root = Path(self.recipe_folder).parents[1]
        for pattern in PARTS:
            copy(self, pattern, src=root, dst=self.export_sources_folder)

    def requirements(self):
        self.requires("fmt/[>=9]")
        self.requires("hwloc/[>=2]")
        self.requires("xxhash/[>=0.8]")

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()
        toolchain = CMakeToolchain(self)
        for part in ("FURROW_COMMAND", "FURROW_MPI", "FURROW_PYTHON_MODULE", "FURROW_TESTS"):
            toolchain.cache_variables[part] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build(target="furrow_library")

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=Path(self.package_folder) / "licenses")
        CMake(self).install(component="library")

    def package_info(self):
        self.cpp_info.libs = ["furrow"]
        self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_target_name", "furrow::furrow")
        self.cpp_info.set_property("pkg_config_name", "furrow")
