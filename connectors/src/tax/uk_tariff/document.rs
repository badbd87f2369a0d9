//! A JSON:API document: resources, found by type and id.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::read::ReadError;
use crate::read::json::{self, Members};

/// What a document includes.
#[derive(Debug)]
pub(super) struct Document<'j> {
    resources: BTreeMap<(Cow<'j, str>, Cow<'j, str>), Resource<'j>>,
}

/// One thing in it.
#[derive(Debug, Default)]
pub(super) struct Resource<'j> {
    pub(super) attributes: Members<'j>,
    pub(super) relationships: Members<'j>,
    pub(super) meta: Members<'j>,
}

/// What a resource is referred to by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key<'j> {
    pub(super) of_type: Cow<'j, str>,
    pub(super) id: Cow<'j, str>,
}

impl<'j> Document<'j> {
    /// Reads what stands under `included`. Fails where one resource stands there twice and differs.
    pub(super) fn of(included: &'j RawValue) -> Result<Self, ReadError> {
        let included: Vec<&'j RawValue> = json::part(included, "/included")?;
        let mut written: BTreeMap<(Cow<'j, str>, Cow<'j, str>), &'j str> = BTreeMap::new();
        let mut resources = BTreeMap::new();
        for (index, each) in included.into_iter().enumerate() {
            let place = format!("/included/{index}");
            let members: Members<'j> = json::part(each, &place)?;
            let key = key(&members).map_err(|error| error.within(&place))?;
            let key = (key.of_type, key.id);
            if *written.entry(key.clone()).or_insert(each.get()) != each.get() {
                return Err(ReadError::at(place, "it stands there twice with different values"));
            }
            let part = |name: &str| match members.get(name).filter(|part| part.get() != "null") {
                Some(part) => json::part(part, &format!("{place}/{name}")),
                None => Ok(Members::default()),
            };
            let resource = Resource {
                attributes: part("attributes")?,
                relationships: part("relationships")?,
                meta: part("meta")?,
            };
            resources.insert(key, resource);
        }
        Ok(Self { resources })
    }

    /// Returns the resource `key`.
    pub(super) fn get(&self, key: &Key<'j>) -> Result<&Resource<'j>, ReadError> {
        let found = self.resources.get(&(key.of_type.clone(), key.id.clone()));
        found.ok_or_else(|| {
            let what = format!("{} {}", key.of_type, key.id);
            let what = crate::read::number::short(&what);
            ReadError::whole(format!(", {what} is not in the document"))
        })
    }

    /// Returns the codes of goods in it that can be declared, in their order.
    pub(super) fn declarable_codes(&self) -> BTreeSet<String> {
        let commodities = self.resources.iter().filter(|((of_type, _), _)| of_type == "commodity");
        commodities
            .filter(|(_, resource)| is_true(&resource.attributes, "declarable"))
            .filter_map(|(_, resource)| resource.attributes.text("goods_nomenclature_item_id").ok())
            .map(Cow::into_owned)
            .collect()
    }
}

/// Returns what `relationships` refers to by `name`, if anything.
pub(super) fn one<'j>(
    relationships: &Members<'j>,
    name: &str,
) -> Result<Option<Key<'j>>, ReadError> {
    let Some(data) = data(relationships, name)? else { return Ok(None) };
    let members: Members<'j> = json::part(data, &format!("/{name}/data"))?;
    key(&members).map(Some).map_err(|error| error.within(&format!("/{name}/data")))
}

/// Returns all that `relationships` refers to by `name`.
pub(super) fn all<'j>(relationships: &Members<'j>, name: &str) -> Result<Vec<Key<'j>>, ReadError> {
    let Some(data) = data(relationships, name)? else { return Ok(Vec::new()) };
    let place = format!("/{name}/data");
    let items: Vec<Members<'j>> = json::part(data, &place)?;
    items.iter().map(|members| key(members).map_err(|error| error.within(&place))).collect()
}

/// Returns the text of `name`; none where it is missing, null or empty.
pub(super) fn find<'j>(members: &Members<'j>, name: &str) -> Option<Cow<'j, str>> {
    let value = members.get(name)?;
    json::scalar(value).ok().filter(|text| !text.trim().is_empty())
}

/// Tells whether `name` is true.
pub(super) fn is_true(members: &Members<'_>, name: &str) -> bool {
    members.get(name).map(RawValue::get) == Some("true")
}

fn data<'j>(members: &Members<'j>, name: &str) -> Result<Option<&'j RawValue>, ReadError> {
    let Some(relationship) = members.get(name) else { return Ok(None) };
    let relationship: Members<'j> = json::part(relationship, &format!("/{name}"))?;
    Ok(relationship.get("data").filter(|data| data.get() != "null"))
}

fn key<'j>(members: &Members<'j>) -> Result<Key<'j>, ReadError> {
    let text = |name: &str| {
        let value = members.need(name)?;
        json::scalar(value).map_err(|what| ReadError::at(format!("/{name}"), what))
    };
    Ok(Key { of_type: text("type")?, id: text("id")? })
}
