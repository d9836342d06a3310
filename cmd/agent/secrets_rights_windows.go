package main

import (
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/windows"
)

// rightsAreCertain: domains and policies put more into access lists than can be
// judged here, and a wrong no would close the shop.
const rightsAreCertain = false

// othersOf says which accounts other than SYSTEM, the administrators, the
// service's and the owner's may use a file; "" where none may.
func othersOf(path string) (string, error) {
	if _, err := os.Stat(path); err != nil {
		return "", err
	}
	d, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "", err
	}
	return strings.Join(accountNames(sddlOthers(d.String())), ", "), nil
}

// accountNames gives the names of SDDL's accounts in the system's language, where
// it has one.
func accountNames(sddl []string) []string {
	names := make([]string, len(sddl))
	for i, s := range sddl {
		names[i] = s
		if d, err := windows.SecurityDescriptorFromString("O:" + s); err == nil {
			if sid, _, err := d.Owner(); err == nil {
				if account, domain, _, err := sid.LookupAccount(""); err == nil {
					names[i] = strings.TrimPrefix(domain+`\`+account, `\`)
				}
			}
		}
	}
	return names
}

// othersMayWrite takes whoever is let in for one who may write: on Windows our
// files let nobody else in at all.
func othersMayWrite(string) bool { return true }

// closeToOthers is what to do about a file that others can use.
func closeToOthers(path string) string {
	return fmt.Sprintf(`icacls "%s" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F *S-1-5-19:R`, path)
}

// guardSecret closes a file or folder that was just written to others: only the
// system, the administrators and the service get at it, and a user without
// administrator's rights who keeps secrets of his own.
func guardSecret(path, _ string) error {
	token := windows.GetCurrentProcessToken()
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	inherit, service := "", "FR"
	if info.IsDir() {
		inherit, service = "OICI", "FA"
	}
	owner, own := "O:BA", ""
	if !token.IsElevated() {
		user, err := token.GetTokenUser()
		if err != nil {
			return err
		}
		sid := user.User.Sid.String()
		owner, own = "O:"+sid, "(A;"+inherit+";FA;;;"+sid+")"
	}
	return protect(path, fmt.Sprintf("%sD:P(A;%[2]s;FA;;;SY)(A;%[2]s;FA;;;BA)(A;%[2]s;%[3]s;;;LS)%[4]s", owner, inherit, service, own))
}

// keepOwner closes a file that takes another's place, as the other was.
func keepOwner(path string, _ fs.FileInfo) error { return guardSecret(path, "") }
