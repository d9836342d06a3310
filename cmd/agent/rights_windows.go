package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/windows"

	"tillagent/cmd/agent/config"
)

// Who may do what, in SDDL, whatever the folder above says. SY is SYSTEM, BA the
// administrators, LS LocalService, BU the users.
const (
	// onlyServices is for folders with keys, tokens and sales.
	onlyServices = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;LS)"
	// onlyRead is for files with secrets that lie elsewhere: the service reads them.
	onlyRead = "O:BAD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)"
	// onlyAdministrators is for what the service itself must not change.
	onlyAdministrators = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
	// programFolder is for programs: everybody may run them.
	programFolder = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)(A;OICI;0x1200a9;;;LS)"
)

// giveRights opens the data folder and the configuration to the service's
// account and closes them to other users: they hold keys and tokens. Folders that
// other programs use too are opened to the service and else left as they are.
func giveRights(cfg *config.Config, path string) error {
	own, shared := []string{cfg.DataDir}, []string(nil)
	switch dir := cfg.Backup.Dir; {
	case dir == "":
	case onlyCopies(dir):
		own = append(own, dir)
	default:
		shared = append(shared, dir)
	}
	for _, dir := range own {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := protectTree(dir, onlyServices); err != nil {
			return err
		}
	}
	if cfg.Dropbox.Dir != "" {
		shared = append(shared, cfg.Dropbox.Dir)
	}
	for _, p := range cfg.Plugged() {
		if dir, ok := strings.CutPrefix(p.Port, paperPort); ok {
			shared = append(shared, dir)
		}
	}
	for _, dir := range shared {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if inside(cfg.DataDir, dir) {
			continue // it has the folder's rights
		}
		if err := openToService(dir); err != nil {
			return err
		}
	}
	for _, file := range ownFiles(cfg, path) {
		if inside(cfg.DataDir, file) {
			continue
		}
		if err := protect(file, onlyRead); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func inside(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && filepath.IsLocal(rel)
}

// onlyCopies reports whether a folder, which may be missing, has nothing in it but
// daily copies: it is ours to close.
func onlyCopies(dir string) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	return !slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		ours, _ := filepath.Match("agent-?????-????-??-??.db", e.Name()) // the pattern is a good one
		return !ours && !isPart(e.Name())
	})
}

// protect sets the owner of a file or folder and who may use it, in SDDL.
func protect(path, sddl string) error {
	owner, acl, err := ownerAndRights(sddl)
	if err != nil {
		return err
	}
	return setSecurity(path, windows.PROTECTED_DACL_SECURITY_INFORMATION, owner, acl)
}

func ownerAndRights(sddl string) (owner *windows.SID, acl *windows.ACL, err error) {
	d, err := windows.SecurityDescriptorFromString(sddl)
	if err != nil {
		return nil, nil, err
	}
	if owner, _, err = d.Owner(); err != nil {
		return nil, nil, err
	}
	acl, _, err = d.DACL()
	return owner, acl, err
}

func setSecurity(path string, inherit windows.SECURITY_INFORMATION, owner *windows.SID, acl *windows.ACL) error {
	err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT,
		windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION|inherit, owner, nil, acl, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// protectTree protects a folder, and has all that is in it take the folder's
// rights: any user may make a folder in ProgramData before us, and whoever made
// a file keeps the right to open it again.
func protectTree(dir, sddl string) error {
	if err := protect(dir, sddl); err != nil {
		return err
	}
	owner, none, err := ownerAndRights("O:BAD:") // no rights of its own
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // the service works there
		case err != nil || path == dir:
			return err
		case e.Type()&(fs.ModeSymlink|fs.ModeIrregular) != 0:
			return fmt.Errorf(say("%s 是一个链接:请先删除它", "%s is a link: delete it first"), path)
		}
		if err := setSecurity(path, windows.UNPROTECTED_DACL_SECURITY_INFORMATION, owner, none); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// openToService lets the service's account change what is in a folder, beside
// those who may already.
func openToService(dir string) error {
	now, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	acl, _, err := now.DACL()
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	account, err := windows.CreateWellKnownSid(windows.WinLocalServiceSid)
	if err != nil {
		return err
	}
	acl, err = windows.ACLFromEntries([]windows.EXPLICIT_ACCESS{{
		AccessPermissions: windows.GENERIC_READ | windows.GENERIC_WRITE | windows.GENERIC_EXECUTE | windows.DELETE,
		AccessMode:        windows.GRANT_ACCESS,
		Inheritance:       windows.SUB_CONTAINERS_AND_OBJECTS_INHERIT,
		Trustee:           windows.TRUSTEE{TrusteeForm: windows.TRUSTEE_IS_SID, TrusteeType: windows.TRUSTEE_IS_WELL_KNOWN_GROUP, TrusteeValue: windows.TrusteeValueFromSID(account)},
	}}, acl)
	if err != nil {
		return err
	}
	if err := windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION, nil, nil, acl, nil); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}
