#include "os/cores/topology.hpp"

#include <hwloc.h>

#include <algorithm>

namespace furrow::os {

namespace {

hwloc_topology_t handle(void* topology) { return static_cast<hwloc_topology_t>(topology); }

// Reads only what this class needs, which is also the cheapest; and moves none of our threads.
void ask_for_cores_only(hwloc_topology_t topology) {
  hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
  hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED |
                                         HWLOC_TOPOLOGY_FLAG_NO_DISTANCES | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS |
                                         HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS |
                                         HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING);
  hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
}

}  // namespace

void Topology::Closer::operator()(void* topology) const { hwloc_topology_destroy(handle(topology)); }

std::optional<Topology> Topology::load(const std::string& synthetic) {
  hwloc_topology_t raw = nullptr;
  if (hwloc_topology_init(&raw) != 0) return std::nullopt;
  Topology topology(raw);
  ask_for_cores_only(raw);
  if (!synthetic.empty() && hwloc_topology_set_synthetic(raw, synthetic.c_str()) != 0) return std::nullopt;
  if (hwloc_topology_load(raw) != 0) return std::nullopt;
  return topology;
}

int Topology::threads() const {
  return std::max(0, hwloc_get_nbobjs_by_type(handle(topology_.get()), HWLOC_OBJ_PU));
}

int Topology::cores() const {
  return std::max(0, hwloc_get_nbobjs_by_type(handle(topology_.get()), HWLOC_OBJ_CORE));
}

int Topology::cores_of(const std::vector<int>& threads) const {
  const std::unique_ptr<hwloc_bitmap_s, decltype(&hwloc_bitmap_free)> set(hwloc_bitmap_alloc(),
                                                                          &hwloc_bitmap_free);
  for (const int thread : threads) hwloc_bitmap_set(set.get(), static_cast<unsigned>(thread));
  int count = 0;
  hwloc_obj_t core = nullptr;
  while ((core = hwloc_get_next_obj_by_type(handle(topology_.get()), HWLOC_OBJ_CORE, core)))
    count += hwloc_bitmap_intersects(core->cpuset, set.get()) != 0;
  return count;
}

}  // namespace furrow::os
