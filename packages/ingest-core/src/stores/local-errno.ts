import type { StoreErrorCode } from '../errors/store-error.ts'

/** What an error of the operating system means for an object. */
export function explainErrno(errno: string): { readonly code: StoreErrorCode; readonly text: string } {
  switch (errno) {
    case 'ENOSPC':
    case 'EDQUOT':
      return { code: 'STORE_FULL', text: 'no space left; free some and go on' }
    case 'EACCES':
    case 'EROFS':
      return { code: 'STORE_DENIED', text: 'not allowed here; check owner and mode of the folder' }
    case 'EPERM':
    case 'EXDEV':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
      return { code: 'STORE_UNSUPPORTED', text: 'the file system cannot make hard links' }
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EEXIST':
      return { code: 'STORE_KEY_INVALID', text: 'a key cannot be the folder of another key in this store' }
    case 'ENAMETOOLONG':
      return { code: 'STORE_KEY_INVALID', text: 'the path is too long for the file system' }
    default:
      return { code: 'STORE_UNAVAILABLE', text: 'the file system refused' }
  }
}
