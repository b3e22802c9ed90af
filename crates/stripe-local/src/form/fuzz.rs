//! Any form is parsed or rejected, and reading it as any type never panics.

use super::*;

const CORPUS: [&str; 7] = [
    "customer=cus_1&items[0][price]=price_1&items[0][quantity]=1&expand[]=latest_invoice.payments",
    "mode=subscription&line_items[][price]=p&line_items[][quantity]=2&line_items[][price]=q&success_url=https%3A%2F%2Fa.example%2F%3Fa%3Db",
    "subscription_data[trial_settings][end_behavior][missing_payment_method]=cancel&subscription_data[metadata][seam_user]=user-1",
    "metadata=&description=a+b%20c&metadata[k]=v&cancel_at_period_end=true",
    "created[gte]=1&created[lt]=1795000000&limit=100&starting_after=sub_1",
    // These crashed the parser once.
    "a[18446744073709551615]=1&a[]=2",
    "a[b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b][b]=1",
];
const TOKENS: [&str; 12] = [
    "&", "=", "[", "]", "[]", "][", "[0]", "[9999]", "%5B", "%", "+", "&a[]=1",
];

#[test]
fn stripe_forms() {
    fuzzing::fuzz("stripe_forms", &TOKENS, &CORPUS, |input| {
        let Ok(form) = parse(&String::from_utf8_lossy(input)) else {
            return false;
        };
        let mut printed = url::form_urlencoded::Serializer::new(String::new());
        print(&mut printed, "", &form);
        assert_eq!(
            parse(&printed.finish()).as_ref(),
            Ok(&form),
            "printed and parsed again"
        );
        read(&form);
        true
    });
}

fn print(
    printed: &mut url::form_urlencoded::Serializer<'_, String>,
    prefix: &str,
    map: &BTreeMap<String, FormValue>,
) {
    for (key, value) in map {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}[{key}]")
        };
        match value {
            FormValue::Text(text) => {
                printed.append_pair(&name, text);
            }
            FormValue::Map(map) => print(printed, &name, map),
        }
    }
}

/// Reads each parameter as each type, as the endpoints do.
fn read(form: &BTreeMap<String, FormValue>) {
    for (key, value) in form {
        let params = || Params::new(BTreeMap::from([(key.clone(), value.clone())]));
        let _ = (
            params().integer(key),
            params().timestamp(key),
            params().quantity(key),
        );
        let _ = (params().patch(key), params().boolean(key), params().range(key));
        if let Ok(Some(nested)) = params().nested(key) {
            let _ = nested.finish();
        }
        let count = match value {
            FormValue::Map(map) => map.len(),
            FormValue::Text(_) => 0,
        };
        assert!(params().texts(key).map_or(0, |texts| texts.len()) <= count);
        assert!(params().elements(key).map_or(0, |elements| elements.len()) <= count);
        let mut metadata = Metadata::new();
        if params().metadata(&mut metadata).is_ok() {
            assert!(metadata.len() <= 50);
        }
    }
}
