"""Packages installed by hand, as pip would have."""

import base64
import hashlib
from pathlib import Path


def install(site: Path, name: str, version: str, files: dict[str, str], **metadata: str) -> Path:
    """A distribution in `site` with the RECORD that its installer would have written."""
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    fields = {"Metadata-Version": "2.1", "Name": name, "Version": version}
    fields |= {key.replace("_", "-"): value for key, value in metadata.items()}
    (info / "METADATA").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
    record = []
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(text.encode())
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        record.append(f"{path},sha256={digest.rstrip('=')},{len(text)}")
    (info / "RECORD").write_text("\n".join([*record, f"{info.name}/RECORD,,"]) + "\n")
    return info
