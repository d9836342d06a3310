package piaotong

import "slices"

// EndpointKey is one row of the configuration table of paths.
type EndpointKey struct {
	Key       string // name in the configuration, e.g. "qr_create"
	Interface string // the platform's number, e.g. "2.16"
	Default   string // path; "" while no public source names it: it comes with the platform's own document
}

// endpointKeys is in the order of the platform's interface numbers. An empty
// default is never guessed: a call without a path is refused as Misconfigured.
var endpointKeys = []EndpointKey{
	{"enterprise_register", "2.2", "/tp/openapi/register.pt"},
	{"enterprise_info", "2.2", "/tp/openapi/getEnterpriseInfo.pt"},
	{"account_register", "2.3", "/tp/openapi/registerUser.pt"},
	{"account_sms_code", "2.4", ""},
	{"account_sms_login", "2.5", ""},
	{"account_auth_qr", "2.6", ""},
	{"account_auth_qr_status", "2.7", ""},
	{"account_auth_status", "2.8", ""},
	{"invoice_blue", "2.9", "/tp/openapi/invoiceBlue.pt"},
	{"invoice_red_full", "2.10", "/tp/openapi/invoiceRed.pt"},
	{"invoice_query", "2.11", "/tp/openapi/queryInvoice.pt"},
	{"invoice_query_full", "2.12", "/tp/openapi/queryInvoiceInfo.pt"},
	{"push_main", "2.13", ""}, // our own path, told to the platform
	{"invoice_file", "2.15", "/tp/openapi/getAllEleInvFile.pt"},
	{"qr_create", "2.16", "/tp/openapi/getInvoiceIssueQrcode.pt"},
	{"qr_void", "2.17", "/tp/openapi/batchDelInvoiceQrcode.pt"},
	{"qr_query", "2.18", "/tp/openapi/queryQrcodeInvoiceInfo.pt"},
	{"red_apply", "2.28", ""},
	{"red_view", "2.29", ""},
	{"red_issue", "2.30", ""},
	{"red_review", "2.31", ""},
	{"red_cancel", "2.32", ""},
	{"red_list", "2.33", ""},
	{"red_list_result", "2.34", ""},
	{"red_init", "2.36", ""},
	{"red_partial", "2.37", ""},
	{"account_list", "2.45", ""},
	{"account_logout", "2.46", ""},
}

// EndpointKeys returns all configuration keys of paths, in table order.
func EndpointKeys() []EndpointKey { return slices.Clone(endpointKeys) }

// operation is one row of the table of calls.
type operation struct {
	key     string          // row of endpointKeys: number and default path
	what    string          // completes "cannot …"
	changes bool            // an unclear answer leaves the outcome unknown
	repeat  bool            // may be sent again without asking first
	codes   map[string]Kind // this interface's meaning of codes, before commonCodes
}

// signatureFailed9999 is for the interfaces whose 9999 is documented as "the
// signature check failed"; elsewhere it is an internal error.
const signatureFailed9999 = Misconfigured

// accountCodes is for calls that log in: each attempt may count at the tax
// bureau, or send an SMS, so nothing of theirs counts as "not processed".
var accountCodes = map[string]Kind{
	"8993": Refused, // handling failed, with a text such as "wrong password"
}

var (
	opRegisterEnterprise = &operation{
		key: "enterprise_register", what: "register the enterprise", changes: true, repeat: true,
		codes: map[string]Kind{"9999": signatureFailed9999},
	}
	opQueryEnterprise = &operation{
		key: "enterprise_info", what: "ask for the enterprise", repeat: true,
		codes: map[string]Kind{"9999": signatureFailed9999},
	}

	opRegisterAccount = &operation{
		key: "account_register", what: "register the tax account", changes: true, codes: accountCodes,
	}
	opSendSMSCode = &operation{
		key: "account_sms_code", what: "have a login code sent", changes: true, codes: accountCodes,
	}
	opLoginBySMS = &operation{
		key: "account_sms_login", what: "log in to the tax bureau", changes: true, codes: accountCodes,
	}
	opFetchAuthQR = &operation{
		key: "account_auth_qr", what: "fetch the QR code for authentication", repeat: true,
	}
	opQueryAuthQR = &operation{
		key: "account_auth_qr_status", what: "ask for the state of the authentication", repeat: true,
	}
	opQueryAccount = &operation{
		key: "account_auth_status", what: "ask for the state of the tax account", repeat: true,
	}
	opListAccounts = &operation{
		key: "account_list", what: "list the tax accounts", repeat: true,
	}
	// Who is logged out stays so.
	opLogout = &operation{
		key: "account_logout", what: "log out of the tax bureau", changes: true, repeat: true,
	}

	opIssueBlue = &operation{
		key: "invoice_blue", what: "issue the invoice", changes: true,
		codes: map[string]Kind{"9999": signatureFailed9999},
	}
	opRedFlush = &operation{
		key: "invoice_red_full", what: "reverse the invoice", changes: true,
		codes: map[string]Kind{"9999": signatureFailed9999},
	}
	opQueryInvoice = &operation{
		key: "invoice_query", what: "ask for the invoice", repeat: true,
		codes: map[string]Kind{"8003": NotFound}, // invoice not found
	}
	opQueryFullInvoice = &operation{
		key: "invoice_query_full", what: "ask for all of the invoice", repeat: true,
		codes: map[string]Kind{"8003": NotFound}, // invoice not found
	}
	opFetchFile = &operation{
		key: "invoice_file", what: "fetch the invoice's file", repeat: true,
		codes: map[string]Kind{"8003": NotFound}, // invoice not found
	}

	opCreateQR = &operation{
		key: "qr_create", what: "create the invoicing QR code", changes: true,
	}
	// Voiding a voided code voids nothing more, so it may be repeated.
	opVoidQRs = &operation{
		key: "qr_void", what: "void invoicing QR codes", changes: true, repeat: true,
	}
	opQueryQR = &operation{
		key: "qr_query", what: "ask for the invoices of a QR code", repeat: true,
	}

	opApplyRed = &operation{
		key: "red_apply", what: "apply for a red confirmation", changes: true,
	}
	opViewRed = &operation{
		key: "red_view", what: "ask for the red confirmation", repeat: true,
		codes: map[string]Kind{"8003": NotFound}, // assumed: confirmation not found
	}
	opIssueRed = &operation{
		key: "red_issue", what: "issue the red invoice", changes: true,
	}
	opReviewRed = &operation{
		key: "red_review", what: "decide on the red confirmation", changes: true,
	}
	opCancelRed = &operation{
		key: "red_cancel", what: "take back the red confirmation", changes: true,
	}
	// It starts nothing but a search, and with the same number no second one.
	opListRed = &operation{
		key: "red_list", what: "search for red confirmations", repeat: true,
	}
	opFoundRed = &operation{
		key: "red_list_result", what: "fetch the red confirmations found", repeat: true,
		codes: map[string]Kind{"8003": NotFound}, // assumed: search not found
	}
	opInitRed = &operation{
		key: "red_init", what: "ask what is left to reverse of the invoice", repeat: true,
	}
	opRedPartial = &operation{
		key: "red_partial", what: "reverse lines of the invoice", changes: true,
		codes: map[string]Kind{"9999": signatureFailed9999},
	}
)

// endpoint returns the operation's row of the configuration table.
func (op *operation) endpoint() EndpointKey {
	i := slices.IndexFunc(endpointKeys, func(k EndpointKey) bool { return k.Key == op.key })
	return endpointKeys[i]
}
