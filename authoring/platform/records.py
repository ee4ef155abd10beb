"""What every record of the platform is: documented fields, and whatever else a reply holds kept beside them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A row of the platform. Frozen; fields that are not documented are kept in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)
