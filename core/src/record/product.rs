//! Products: what is sold, replaced and stocked.

use super::form::Form;
use super::{Column, Kind};

pub(super) const KIND: Kind = Kind {
    name: "product",
    about: "Something that is sold, replaced or stocked.",
    key: &["id"],
    columns: &[
        Column::always("id", Form::Id, "The product's number"),
        Column::always("name", Form::Text, "Its name"),
        Column::free("family", Form::Text, "The family it belongs to"),
        Column::free("goods_code", Form::GoodsCode, "Its code in the tariff (HS, CN, …)"),
        Column::free("origin", Form::Country, "The country it originates in"),
        Column::free("weight_kg", Form::Quantity, "Its gross weight, in kilograms"),
        Column::free("pack_size", Form::Some, "How many are in a pack"),
        Column::free("minimum_order", Form::Some, "How many are ordered at least"),
        Column::free("replaced_by", Form::Of("product"), "The product that took its place"),
    ],
};
