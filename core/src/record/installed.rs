//! The installed base: which device stands where, and what is owed to it.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "installed",
    about: "A device in the field, with its warranty and service contract.",
    key: &["device"],
    columns: &[
        Column::always("device", Form::Of("devices"), "The device's id in the registry"),
        Column::always("product", Form::Of("product"), "The product it is one of"),
        Column::free("serial", Form::Text, "Its serial number"),
        Column::free("installed_on", Form::Day, "The day it was put up"),
        Column::free("warranty_until", Form::Day, "The last day of the warranty")
            .not_before("installed_on"),
        Column::free("contract", Form::Id, "The service contract"),
        Column::free("contract_from", Form::Day, "The contract's first day").with(&["contract"]),
        Column::free("contract_until", Form::Day, "The contract's last day")
            .with(&["contract"])
            .not_before("contract_from"),
        Column::free("covers", Form::Choice(&["labour", "parts", "all"]), "What the contract pays")
            .with(&["contract"]),
    ],
};
