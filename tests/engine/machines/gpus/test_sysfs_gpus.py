from __future__ import annotations

from pathlib import Path

from engine.machines.gpus.sysfs_gpus import SysfsGpus, name_in_pci_ids
from engine.vocabulary.device import Vendor

DOCUMENTED = Path(__file__).parents[3] / "documented" / "sysfs-gpus"
PCI_IDS = """# a comment
1001  Kolter Electronic
\t744c  Not this one
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]
\t\t1002 0e3b  A board
\t1638  Cezanne
8086  Intel Corporation
\te20b  Battlemage G21 [Arc B580]
"""


def written(tmp_path: Path, lines: list[str]) -> Path:
    for line in lines:
        name, _, value = line.partition(": ")
        path = tmp_path / "drm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value.replace("\\n", "\n") + "\n")
    return tmp_path / "drm"


def look(tmp_path: Path, name: str) -> SysfsGpus:
    (tmp_path / "pci.ids").write_text(PCI_IDS)
    drm = written(tmp_path, (DOCUMENTED / name).read_text().splitlines())
    return SysfsGpus(drm, (str(tmp_path / "none"), str(tmp_path / "pci.ids")))


def test_amd_cards_in_pci_order(tmp_path: Path) -> None:
    answer = look(tmp_path, "amd.txt").look()
    assert answer.why_none is None
    instinct, radeon = answer.gpus
    assert (instinct.name, instinct.pci_address, instinct.busy_fraction) == ("AMD Instinct MI300X OAM", "0000:03:00.0", None)
    assert (radeon.name, radeon.vendor, radeon.busy_fraction) == ("Radeon RX 7900 XT/7900 XTX", Vendor.AMD, 0.37)
    assert radeon.memory_total_bytes == 25753026560
    assert radeon.memory_free_bytes == 25753026560 - 1073741824
    assert radeon.why_no_memory is None


def test_intel_tells_less_and_says_so(tmp_path: Path) -> None:
    integrated, arc = look(tmp_path, "intel.txt").look().gpus
    assert (arc.name, arc.memory_total_bytes, arc.memory_free_bytes) == ("Arc B580", 12884901888, None)
    assert (integrated.name, integrated.memory_total_bytes) == ("Intel GPU [8086:46a6]", None)
    assert integrated.why_no_memory == "the kernel's Intel driver does not tell it"
    assert integrated.busy_fraction is None


def test_a_system_without_cards_says_why(tmp_path: Path) -> None:
    assert SysfsGpus(tmp_path / "none").look().why_none == "the kernel shows no graphics card (/sys/class/drm is not there)"
    (tmp_path / "drm").mkdir()
    assert SysfsGpus(tmp_path / "drm").look().why_none == "the kernel shows no AMD or Intel GPU"


def test_nvidia_cards_and_display_adapters_are_not_taken(tmp_path: Path) -> None:
    drm = written(tmp_path, ["card0/device/vendor: 0x10de", "card1/device/vendor: 0x1a03", "card2/device/vendor: 0x10de"])
    assert SysfsGpus(drm).look().why_none == "the kernel shows no AMD or Intel GPU (but 2 NVIDIA cards)"


def test_names_in_pci_ids() -> None:
    assert name_in_pci_ids(PCI_IDS, "1002", "744c") == "Radeon RX 7900 XT/7900 XTX"
    assert name_in_pci_ids(PCI_IDS, "1002", "1638") == "Cezanne"
    assert name_in_pci_ids(PCI_IDS, "8086", "744c") is None
