//! Devices of the registry.

use super::form::Form;
use super::{Column, Kind};

/// How a device's status is written: in service, where it is empty.
const STATUSES: &[&str] = &["in-service", "commissioning", "maintenance", "retired"];

pub(super) const KIND: Kind = Kind {
    name: "device",
    about: "A device in the field, of which events speak.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Device, "The device's id, as its messages have it"),
        Column::always("model", Form::Text, "The maker's name of the model"),
        Column::free("site", Form::Of("sites"), "Where it stands"),
        Column::free("account", Form::Of("accounts"), "Whose it is, where not its site's"),
        Column::free("status", Form::Choice(STATUSES), "Whether it serves customers").moving(),
    ],
};
