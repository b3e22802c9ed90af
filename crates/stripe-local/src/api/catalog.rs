//! Products and prices.

use super::list::page;
use crate::{
    billing::difference::previous_attributes,
    engine::Work,
    failure::{Answer, Failure},
    form::{Metadata, Params},
    render,
    world::{Interval, Price, Product, Recurring},
};

pub(super) fn create_product(work: &mut Work<'_>, mut params: Params) -> Answer {
    let now = work.now(None);
    let id = params.filled("id")?;
    if let Some(id) = &id
        && work.world.record(id).is_some()
    {
        return Err(Failure::parameter("id", "Product already exists.").with_code("resource_already_exists"));
    }
    let mut product = Product {
        id: id.unwrap_or_else(|| work.world.mint("prod")),
        created: now,
        updated: now,
        active: true,
        name: params.required("name")?,
        description: None,
        default_price: None,
        images: Vec::new(),
        metadata: Metadata::new(),
        statement_descriptor: None,
        unit_label: None,
        url: None,
    };
    let default_price = params.nested("default_price_data")?;
    take_product(&mut product, &mut params)?;
    params.finish()?;
    if let Some(mut data) = default_price {
        let price = take_price(work, &mut data, &product.id)?;
        data.finish()?;
        product.default_price = Some(price.id.clone());
        work.emit("price.created", render::price(&price), None);
        work.world.put(price);
    }
    let object = render::product(&product);
    work.world.put(product);
    work.emit("product.created", object.clone(), None);
    Ok(object)
}

/// What can be said of a product when it is made and later.
fn take_product(product: &mut Product, params: &mut Params) -> Result<(), Failure> {
    params.patch("description")?.apply(&mut product.description);
    params
        .patch("statement_descriptor")?
        .apply(&mut product.statement_descriptor);
    params.patch("unit_label")?.apply(&mut product.unit_label);
    params.patch("url")?.apply(&mut product.url);
    product.active = params.boolean("active")?.unwrap_or(product.active);
    let images = params.texts("images")?;
    if !images.is_empty() {
        product.images = images;
    }
    params.metadata(&mut product.metadata)?;
    params.ignore(&["tax_code", "shippable", "type"]);
    Ok(())
}

pub(super) fn update_product(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let old = work.find::<Product>("product", id, "id")?;
    let mut new = old.clone();
    new.name = params.filled("name")?.unwrap_or(new.name);
    if let Some(price) = params.filled("default_price")? {
        work.find::<Price>("price", &price, "default_price")?;
        new.default_price = Some(price);
    }
    take_product(&mut new, &mut params)?;
    params.finish()?;
    if new != old {
        new.updated = work.now(None);
        let after = render::product(&new);
        let previous = previous_attributes(&render::product(&old), &after);
        work.world.put(new);
        work.emit("product.updated", after.clone(), previous);
        return Ok(after);
    }
    Ok(render::product(&new))
}

pub(super) fn product(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::product(&work.find("product", id, "id")?))
}

pub(super) fn list_products(work: &mut Work<'_>, mut params: Params) -> Answer {
    let active = params.boolean("active")?;
    let ids = params.texts("ids")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/products",
        |product: &Product| {
            active.is_none_or(|active| product.active == active)
                && (ids.is_empty() || ids.contains(&product.id))
                && created.has(product.created)
        },
        |_, product| render::product(product),
    )
}

pub(super) fn create_price(work: &mut Work<'_>, mut params: Params) -> Answer {
    let product = match (params.filled("product")?, params.nested("product_data")?) {
        (Some(id), None) => work.find::<Product>("product", &id, "product")?.id,
        (None, Some(data)) => create_product(work, data)?["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        _ => return Err(Failure::missing_parameter("product")),
    };
    let price = take_price(work, &mut params, &product)?;
    params.finish()?;
    let object = render::price(&price);
    work.world.put(price);
    work.emit("price.created", object.clone(), None);
    Ok(object)
}

fn take_price(work: &mut Work<'_>, params: &mut Params, product: &str) -> Result<Price, Failure> {
    let currency = params.required("currency")?.to_lowercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Failure::parameter(
            params.name("currency"),
            format!("Invalid currency: {currency}."),
        ));
    }
    let unit_amount = match params.integer("unit_amount")? {
        Some(amount) => amount,
        None => match params.filled("unit_amount_decimal")? {
            Some(text) => text.parse().map_err(|_| {
                Failure::parameter(
                    params.name("unit_amount_decimal"),
                    "stripe-local takes whole minor units only.",
                )
            })?,
            None => return Err(Failure::missing_parameter(&params.name("unit_amount"))),
        },
    };
    if !(0..=99_999_999).contains(&unit_amount) {
        return Err(Failure::parameter(
            params.name("unit_amount"),
            "This value must be between 0 and 99999999.",
        ));
    }
    let recurring = match params.nested("recurring")? {
        Some(mut given) => {
            let interval = given.word("interval", Interval::read)?;
            let recurring = Recurring {
                interval: interval.ok_or_else(|| Failure::missing_parameter("recurring[interval]"))?,
                count: given.quantity("interval_count")?.unwrap_or(1),
            };
            given.word("usage_type", |word| (word == "licensed").then_some(()))?;
            given.finish()?;
            Some(recurring)
        }
        None => None,
    };
    let lookup_key = params.filled("lookup_key")?;
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    claim_lookup_key(work, lookup_key.as_deref(), "", transfer)?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.word("billing_scheme", |word| (word == "per_unit").then_some(()))?;
    Ok(Price {
        id: work.world.mint("price"),
        created: work.now(None),
        active: params.boolean("active")?.unwrap_or(true),
        currency,
        unit_amount,
        recurring,
        lookup_key,
        nickname: params.filled("nickname")?,
        product: product.to_owned(),
        metadata,
        tax_behavior: params
            .filled("tax_behavior")?
            .unwrap_or_else(|| "unspecified".to_owned()),
    })
}

/// A lookup key names one price at a time.
fn claim_lookup_key(
    work: &mut Work<'_>,
    key: Option<&str>,
    claimant: &str,
    transfer: bool,
) -> Result<(), Failure> {
    let Some(key) = key else {
        return Ok(());
    };
    let holder = work
        .world
        .all::<Price>()
        .find(|price| price.lookup_key.as_deref() == Some(key) && price.id != claimant)
        .cloned();
    let Some(holder) = holder else {
        return Ok(());
    };
    if !transfer {
        return Err(Failure::parameter(
            "lookup_key",
            format!("A price (`{}`) already uses that lookup key.", holder.id),
        ));
    }
    change_price(
        work,
        &holder,
        Price {
            lookup_key: None,
            ..holder.clone()
        },
    );
    Ok(())
}

fn change_price(work: &mut Work<'_>, old: &Price, new: Price) {
    let after = render::price(&new);
    let previous = previous_attributes(&render::price(old), &after);
    work.world.put(new);
    if previous.is_some() {
        work.emit("price.updated", after, previous);
    }
}

pub(super) fn update_price(work: &mut Work<'_>, id: &str, mut params: Params) -> Answer {
    let old = work.find::<Price>("price", id, "id")?;
    let mut new = old.clone();
    new.active = params.boolean("active")?.unwrap_or(new.active);
    params.patch("nickname")?.apply(&mut new.nickname);
    params.patch("lookup_key")?.apply(&mut new.lookup_key);
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    params.metadata(&mut new.metadata)?;
    new.tax_behavior = params.filled("tax_behavior")?.unwrap_or(new.tax_behavior);
    params.finish()?;
    claim_lookup_key(work, new.lookup_key.as_deref(), id, transfer)?;
    let object = render::price(&new);
    change_price(work, &old, new);
    Ok(object)
}

pub(super) fn price(work: &mut Work<'_>, id: &str, params: Params) -> Answer {
    params.finish()?;
    Ok(render::price(&work.find("price", id, "id")?))
}

pub(super) fn list_prices(work: &mut Work<'_>, mut params: Params) -> Answer {
    let active = params.boolean("active")?;
    let keys = params.texts("lookup_keys")?;
    let product = params.filled("product")?;
    let currency = params.filled("currency")?;
    let kind = params.filled("type")?;
    let created = params.range("created")?;
    page(
        work,
        params,
        "/v1/prices",
        |price: &Price| {
            let key = price.lookup_key.as_ref();
            active.is_none_or(|active| price.active == active)
                && (keys.is_empty() || key.is_some_and(|key| keys.contains(key)))
                && product.as_ref().is_none_or(|product| price.product == *product)
                && currency
                    .as_ref()
                    .is_none_or(|currency| price.currency == *currency)
                && kind
                    .as_ref()
                    .is_none_or(|kind| (kind == "recurring") == price.recurring.is_some())
                && created.has(price.created)
        },
        |_, price| render::price(price),
    )
}
