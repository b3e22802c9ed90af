//! Fields of forms, and the macro that declares a form.

/// A field: the `name` of its input and, where several inputs share a name, which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    name: &'static str,
    position: Option<u8>,
}

impl Field {
    /// The form as a whole: such an error is shown above the fields.
    pub const FORM: Self = Self::named("");

    /// The field of that name.
    pub const fn named(name: &'static str) -> Self {
        Self { name, position: None }
    }

    /// One of several inputs of the same name, counted from 0.
    pub const fn at(self, position: u8) -> Self {
        Self {
            position: Some(position),
            ..self
        }
    }

    /// `name` of the input.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// `id` of the input: the name, with the position where there is one.
    pub fn id(self) -> String {
        match self.position {
            Some(position) => format!("{}-{position}", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// Declares a form as a struct whose fields are the form's fields. The name of a field is written here and nowhere else:
/// serde decodes posts by it, and `Form::field` names it in markup and errors. A field that was not sent is empty.
macro_rules! form {
    ($(#[$meta:meta])* pub struct $form:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
        #[serde(default)]
        pub struct $form {
            $($(#[$doc])* pub $field: $type,)*
        }

        #[expect(non_upper_case_globals, reason = "the constant is named after the struct's field")]
        impl $form {
            $(
                #[doc = concat!("The field `", stringify!($field), "`.")]
                pub const $field: $crate::Field = $crate::Field::named(stringify!($field));
            )*
        }
    };
}

pub(crate) use form;
