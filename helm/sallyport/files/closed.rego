# Nothing was given under `policies`, so nothing is allowed.
package sallyport.org

default allow := false
