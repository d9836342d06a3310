package trade

// redRefused says what a refused red invoice needs. That more was asked for than
// is left of net amount (6009) or tax (6010) repeats with each attempt, so the
// staff make that part on the platform's page.
func redRefused(e Refused, red *Invoice) Message {
	if e.Op.Kind == OpRedPart && (e.Code == "6009" || e.Code == "6010") {
		return Say(PartRedRefused, e.Code, e.Msg, (-red.Amount).String())
	}
	return Say(RedRefused, e.Code, e.Msg)
}
