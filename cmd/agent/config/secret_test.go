package config

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "canary-of-24-characters!"

func TestSecretNeverPrints(t *testing.T) {
	c := Default()
	c.Piaotong.DES3Key = canary
	c.API.Tokens = []Token{{Name: "pos", Role: "pos", Token: canary}}
	c.Alerts.Webhook = "https://canary-of-24-characters!"
	secret := c.Piaotong.DES3Key

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10.3s"} {
		for _, v := range []any{secret, &secret, c, *c, c.API.Tokens, map[string]Secret{"a": secret}, map[Secret]int{secret: 1}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprintln(&out, secret, c)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("start", "secret", secret, "config", c, "section", c.Piaotong, "token", c.API.Tokens[0])
	}
	inJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	inXML, err := xml.Marshal(c.API)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(append(inJSON, inXML...))
	out.WriteString(secret.String() + secret.LogValue().String() + fmt.Errorf("key %v", secret).Error())

	text := out.String()
	hex := fmt.Sprintf("%x", canary)
	for _, leak := range []string{canary, canary[:8], hex[:16], strings.ToUpper(hex)[:16]} {
		if strings.Contains(text, leak) {
			t.Errorf("the secret was printed: %q", leak)
		}
	}
	if !strings.Contains(text, "[secret]") || secret.Reveal() != canary {
		t.Error("no [secret] in what was printed, or Reveal lost the text")
	}
}

// TestProblemsHideSecrets puts secrets where they are refused: no problem may show them.
func TestProblemsHideSecrets(t *testing.T) {
	const key, number = "misplaced-secret-7", "81726354"
	for _, file := range []string{
		"[piaotong]\ndes3_key = '" + key + "'",
		"[piaotong]\ndes3_key = " + number,
		"[piaotong]\ndes3_key = ['" + key + "']",
		"[piaotong]\ndes3_key = {a = '" + key + "'}",
		"[piaotong]\ndes3_key = 8172635417263541726354",
		"[piaotong]\ndes3_key = " + key,
		"[piaotong]\ndes3_key = \"" + key,
		"[piaotong]\ndes3_key = \"" + key + "\\q\"",
		"[piaotong]\ndes3_key_file = '" + key + "'",
		"[piaotong]\ndes3_key_file = \"" + key + "\\n\"",
		"[piaotong]\ndes3_kee = '" + key + "'",
		"[piaotong]\ntaxpayer_num = '" + key + "'",
		"[api]\ntokens = '" + key + "'",
		"[api]\ntokens = ['" + key + "']",
		"[api]\ntokens = [{name = 'a', role = 'pos', token = '" + key + "'}]",
		"[api]\ntokens = [{name = 'a', role = '" + key + "', token = '" + key + "'}]",
		"[api]\ntokens = [{name = 'a', role = 'pos', token_file = '" + key + "'}]",
		"[alerts]\nwecom = 'ftp://robot.example/" + key + "'",
		"[alerts]\nwecom = 'ftp://robot.example/" + key + "'\n[alerts]",
		"[alerts]\nwecom = 'http://robot.example/" + key + "'",
		"[alerts]\ndingtalk_secret = '" + key + "'",
		"[alerts]\nfeishu_secret = '" + key + " '",
	} {
		if text := problems(t, file).Error(); strings.Contains(text, key) || strings.Contains(text, number) {
			t.Errorf("%s:\n%s", file, text)
		}
	}
	for _, variable := range []string{"AGENT_PIAOTONG_DES3_KEY=" + key, "AGENT_API_TOKENS=" + key, "AGENT_API_TOKENS=a:" + key, "AGENT_PIAOTONG_DES3_KEE=" + key} {
		if text := problems(t, "", variable).Error(); strings.Contains(text, key) {
			t.Errorf("%s:\n%s", variable, text)
		}
	}
}
