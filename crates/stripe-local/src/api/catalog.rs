//! The endpoints for products and prices.

use super::list::list_page;
use crate::{
    api_error::{ApiError, ApiResult},
    billing::previous_attributes::previous_attributes,
    engine::Operation,
    form::{Metadata, Params},
    records::{PriceInterval, PriceRecord, ProductRecord, Recurring},
    render,
};

pub(super) fn create_product(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let now = operation.now_secs(None);
    let id = params.non_empty("id")?;
    if let Some(id) = &id
        && operation.records.record(id).is_some()
    {
        return Err(
            ApiError::invalid_parameter("id", "Product already exists.").with_code("resource_already_exists")
        );
    }
    let mut product = ProductRecord {
        id: id.unwrap_or_else(|| operation.records.new_id("prod")),
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
    apply_product_params(&mut product, &mut params)?;
    params.finish()?;
    if let Some(mut data) = default_price {
        let price = parse_price(operation, &mut data, &product.id)?;
        data.finish()?;
        product.default_price = Some(price.id.clone());
        operation.emit("price.created", render::price(&price), None);
        operation.records.put(price);
    }
    let object = render::product(&product);
    operation.records.put(product);
    operation.emit("product.created", object.clone(), None);
    Ok(object)
}

/// Applies the parameters that creation and update share.
fn apply_product_params(product: &mut ProductRecord, params: &mut Params) -> Result<(), ApiError> {
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

pub(super) fn update_product(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let old = operation.find::<ProductRecord>("product", id, "id")?;
    let mut new = old.clone();
    new.name = params.non_empty("name")?.unwrap_or(new.name);
    if let Some(price) = params.non_empty("default_price")? {
        operation.find::<PriceRecord>("price", &price, "default_price")?;
        new.default_price = Some(price);
    }
    apply_product_params(&mut new, &mut params)?;
    params.finish()?;
    if new != old {
        new.updated = operation.now_secs(None);
        let after = render::product(&new);
        let previous = previous_attributes(&render::product(&old), &after);
        operation.records.put(new);
        operation.emit("product.updated", after.clone(), previous);
        return Ok(after);
    }
    Ok(render::product(&new))
}

pub(super) fn retrieve_product(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::product(&operation.find("product", id, "id")?))
}

pub(super) fn list_products(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let active = params.boolean("active")?;
    let ids = params.texts("ids")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/products",
        None,
        |product: &ProductRecord| {
            active.is_none_or(|active| product.active == active)
                && (ids.is_empty() || ids.contains(&product.id))
                && created.contains(product.created)
        },
        |_, product| render::product(product),
    )
}

pub(super) fn create_price(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let product = match (params.non_empty("product")?, params.nested("product_data")?) {
        (Some(id), None) => operation.find::<ProductRecord>("product", &id, "product")?.id,
        (None, Some(data)) => create_product(operation, data)?["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        _ => return Err(ApiError::missing_parameter("product")),
    };
    let price = parse_price(operation, &mut params, &product)?;
    params.finish()?;
    let object = render::price(&price);
    operation.records.put(price);
    operation.emit("price.created", object.clone(), None);
    Ok(object)
}

fn parse_price(
    operation: &mut Operation<'_>,
    params: &mut Params,
    product: &str,
) -> Result<PriceRecord, ApiError> {
    let currency = params.required("currency")?.to_lowercase();
    if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(ApiError::invalid_parameter(
            params.full_name("currency"),
            format!("Invalid currency: {currency}."),
        ));
    }
    let unit_amount = match params.integer("unit_amount")? {
        Some(amount) => amount,
        None => match params.non_empty("unit_amount_decimal")? {
            Some(text) => text.parse().map_err(|_| {
                ApiError::invalid_parameter(
                    params.full_name("unit_amount_decimal"),
                    "stripe-local supports whole minor units only.",
                )
            })?,
            None => return Err(ApiError::missing_parameter(&params.full_name("unit_amount"))),
        },
    };
    if !(0..=99_999_999).contains(&unit_amount) {
        return Err(ApiError::invalid_parameter(
            params.full_name("unit_amount"),
            "This value must be between 0 and 99999999.",
        ));
    }
    let recurring = match params.nested("recurring")? {
        Some(mut part) => {
            let interval = part.one_of("interval", PriceInterval::parse)?;
            let recurring = Recurring {
                interval: interval.ok_or_else(|| ApiError::missing_parameter("recurring[interval]"))?,
                count: part.quantity("interval_count")?.unwrap_or(1),
            };
            part.one_of("usage_type", |word| (word == "licensed").then_some(()))?;
            part.finish()?;
            Some(recurring)
        }
        None => None,
    };
    let lookup_key = params.non_empty("lookup_key")?;
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    claim_lookup_key(operation, lookup_key.as_deref(), "", transfer)?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    params.one_of("billing_scheme", |word| (word == "per_unit").then_some(()))?;
    Ok(PriceRecord {
        id: operation.records.new_id("price"),
        created: operation.now_secs(None),
        active: params.boolean("active")?.unwrap_or(true),
        currency,
        unit_amount,
        recurring,
        lookup_key,
        nickname: params.non_empty("nickname")?,
        product: product.to_owned(),
        metadata,
        tax_behavior: params
            .non_empty("tax_behavior")?
            .unwrap_or_else(|| "unspecified".to_owned()),
    })
}

/// Fails if another price has the lookup key. With `transfer`, the key is removed from the other price.
fn claim_lookup_key(
    operation: &mut Operation<'_>,
    key: Option<&str>,
    claimant: &str,
    transfer: bool,
) -> Result<(), ApiError> {
    let Some(key) = key else {
        return Ok(());
    };
    let holder = operation
        .records
        .all::<PriceRecord>()
        .find(|price| price.lookup_key.as_deref() == Some(key) && price.id != claimant)
        .cloned();
    let Some(holder) = holder else {
        return Ok(());
    };
    if !transfer {
        return Err(ApiError::invalid_parameter(
            "lookup_key",
            format!("A price (`{}`) already uses that lookup key.", holder.id),
        ));
    }
    change_price(
        operation,
        &holder,
        PriceRecord {
            lookup_key: None,
            ..holder.clone()
        },
    );
    Ok(())
}

fn change_price(operation: &mut Operation<'_>, old: &PriceRecord, new: PriceRecord) {
    let after = render::price(&new);
    let previous = previous_attributes(&render::price(old), &after);
    operation.records.put(new);
    if previous.is_some() {
        operation.emit("price.updated", after, previous);
    }
}

pub(super) fn update_price(operation: &mut Operation<'_>, id: &str, mut params: Params) -> ApiResult {
    let old = operation.find::<PriceRecord>("price", id, "id")?;
    let mut new = old.clone();
    new.active = params.boolean("active")?.unwrap_or(new.active);
    params.patch("nickname")?.apply(&mut new.nickname);
    params.patch("lookup_key")?.apply(&mut new.lookup_key);
    let transfer = params.boolean("transfer_lookup_key")?.unwrap_or(false);
    params.metadata(&mut new.metadata)?;
    new.tax_behavior = params.non_empty("tax_behavior")?.unwrap_or(new.tax_behavior);
    params.finish()?;
    claim_lookup_key(operation, new.lookup_key.as_deref(), id, transfer)?;
    let object = render::price(&new);
    change_price(operation, &old, new);
    Ok(object)
}

pub(super) fn retrieve_price(operation: &mut Operation<'_>, id: &str, params: Params) -> ApiResult {
    params.finish()?;
    Ok(render::price(&operation.find("price", id, "id")?))
}

pub(super) fn list_prices(operation: &mut Operation<'_>, mut params: Params) -> ApiResult {
    let active = params.boolean("active")?;
    let keys = params.texts("lookup_keys")?;
    let product = params.non_empty("product")?;
    let currency = params.non_empty("currency")?;
    let kind = params.non_empty("type")?;
    let created = params.range("created")?;
    list_page(
        operation,
        params,
        "/v1/prices",
        product.as_deref(),
        |price: &PriceRecord| {
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
                && created.contains(price.created)
        },
        |_, price| render::price(price),
    )
}
