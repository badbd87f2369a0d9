//! Sites of the registry.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "site",
    about: "A place with devices.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Id, "The site's number"),
        Column::always("name", Form::Text, "Its name, for people"),
        Column::free("account", Form::Of("accounts"), "Whose it is"),
        Column::free("region", Form::Text, "The sales region"),
    ],
};
